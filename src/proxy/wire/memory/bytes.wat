;; What is done with many bytes of the thread's memory at a time: fields of a head checked and cut, lines known again, bytes
;; moved. Hot path.
;;
;; What may stand where is decided here and nowhere else: a name is a token that ends at a colon, a value is HTAB, SP,
;; visible ASCII and obs-text that ends at CR LF. Everything else (bare CR or LF, obs-fold, white space before the colon,
;; control characters, empty names) ends the scan as malformed.
;; Source: RFC 9110 sections 5.5, 5.6.2; RFC 9112 sections 2.2, 5, 5.1, 5.2. Classification by two nibble look-ups:
;; Langdale and Lemire, "Parsing gigabytes of JSON per second", section 3.1.2.
;;
;; memory   16     32 bytes, sixteen 0xff and sixteen 0x00: `16 + 16 - n` is a mask of n bytes
;;          1024   8192 bytes, a bit for each value of sixteen bits of a hash: is there a known name with them?
;;          9216   256 bytes, ids of the names that every gateway knows, by eight bits of their hashes; 0 = free
;;          9472   48 bytes for each of these ids: the name in lower case, up to 32 bytes, and at 32 its length
;;          ...    wherever the caller puts them, bytes to scan, with 16 bytes of its own behind them, and for each side
;;                 of a gateway what was found in a head:
;;                 0      i32, the number of fields; i32, how many of them may be known
;;                 64     for each of the ids, what becomes of such a field: its mark
;;                 128    for each field its mark: 0 = goes on, 1 = is left out, 2 = a proxy's claim
;;                 10368  four i32 for each that may be known: which field it is, its id or 0 = look it up, where its
;;                        value begins and ends without the white space around it
;;                 170368 four i32 for each field: where its line begins, where its name ends, where its line ends, and
;;                        its id; where that must be looked up its name's hash, in which bit 0 is set and bit 1 = a claim
(module
  (memory (export "memory") 160 160)
  (data (i32.const 16) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")

  ;; One bit for each of sixteen bytes that is no token character.
  ;; Rows of ASCII by their high nibble have a bit each: 2 = 1, 3 = 2, 4 = 4, 5 = 8, 6 = 16, 7 = 32.
  (func $not_token (param $bytes v128) (result i32)
    (i8x16.bitmask
      (i8x16.eq
        (v128.and
          (i8x16.swizzle
            (v128.const i8x16 0x3a 0x3f 0x3e 0x3f 0x3f 0x3f 0x3f 0x3f 0x3e 0x3e 0x3d 0x15 0x34 0x15 0x3d 0x1c)
            (v128.and (local.get $bytes) (i8x16.splat (i32.const 15))))
          (i8x16.swizzle
            (v128.const i8x16 0 0 1 2 4 8 16 32 0 0 0 0 0 0 0 0)
            (i8x16.shr_u (local.get $bytes) (i32.const 4))))
        (i8x16.splat (i32.const 0)))))

  ;; One bit for each of sixteen bytes that may not stand in a value.
  (func $not_value (param $bytes v128) (result i32)
    (i8x16.bitmask
      (v128.or
        (v128.andnot
          (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 32)))
          (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 9))))
        (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 127))))))

  ;; A name's bytes as they are hashed: letters in lower case, `_` as `-`, since many upstreams take them for the same.
  (func $fold (param $bytes v128) (result v128)
    (v128.or
      (v128.bitselect
        (i8x16.splat (i32.const 45))
        (local.get $bytes)
        (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 95))))
      (i8x16.splat (i32.const 32))))

  ;; The hash goes on with sixteen folded bytes.
  (func $mix (param $hash i64) (param $bytes v128) (result i64)
    (local.set $hash
      (i64.mul
        (i64.xor
          (i64.add
            (i64.mul (local.get $hash) (i64.const 0x2545f4914f6cdd1d))
            (i64x2.extract_lane 0 (local.get $bytes)))
          (i64.rotl (i64x2.extract_lane 1 (local.get $bytes)) (i64.const 29)))
        (i64.const 0x9e3779b97f4a7c15)))
    (i64.xor (local.get $hash) (i64.shr_u (local.get $hash) (i64.const 32))))

  ;; What of it is a name's hash: all but the lowest two bits.
  (func $hash_of (param $mixed i64) (result i32)
    (i32.and (i32.wrap_i64 (local.get $mixed)) (i32.const -4)))

  ;; Are the first $length bytes those of $prefix?
  (func $begins (param $bytes v128) (param $prefix v128) (param $length i32) (result i32)
    (i32.eqz
      (v128.any_true
        (v128.and
          (v128.xor (local.get $bytes) (local.get $prefix))
          (v128.load align=1 (i32.sub (i32.const 32) (local.get $length)))))))

  ;; 2 for a name of which $first is the beginning, folded, if it is `x-forwarded-...` or `x-client-...`; else 0.
  (func $claim (param $first v128) (param $length i32) (result i32)
    (if (i32.ne (i8x16.extract_lane_u 0 (local.get $first)) (i32.const 120)) (then (return (i32.const 0))))
    (i32.shl
      (i32.or
        (i32.and
          (i32.gt_u (local.get $length) (i32.const 12))
          (call $begins (local.get $first)
            (v128.const i8x16 120 45 102 111 114 119 97 114 100 101 100 45 0 0 0 0)
            (i32.const 12)))
        (i32.and
          (i32.gt_u (local.get $length) (i32.const 9))
          (call $begins (local.get $first)
            (v128.const i8x16 120 45 99 108 105 101 110 116 45 0 0 0 0 0 0 0)
            (i32.const 9))))
      (i32.const 1)))

  ;; 1 if there is a known name with the same sixteen bits of its hash, else 0.
  (func $may_be_known (param $hash i32) (result i32)
    (i32.and
      (i32.shr_u
        (i32.load8_u offset=1024
          (i32.and (i32.shr_u (local.get $hash) (i32.const 5)) (i32.const 8191)))
        (i32.and (i32.shr_u (local.get $hash) (i32.const 2)) (i32.const 7)))
      (i32.const 1)))

  ;; Do $length bytes at $at, at most sixteen, equal those at $name but for their case?
  (func $spells (param $at i32) (param $name i32) (param $length i32) (result i32)
    (i32.eqz
      (v128.any_true
        (v128.and
          (v128.xor
            (v128.or (v128.load align=1 (local.get $at)) (i8x16.splat (i32.const 32)))
            (v128.load align=1 (local.get $name)))
          (v128.load align=1 (i32.sub (i32.const 32) (local.get $length)))))))

  ;; The id of the name at $at if every gateway knows it, else 0.
  (func $known (param $at i32) (param $length i32) (param $hash i32) (result i32)
    (local $slot i32) (local $id i32) (local $name i32)
    (if (i32.gt_u (local.get $length) (i32.const 32)) (then (return (i32.const 0))))
    (local.set $slot (i32.shr_u (local.get $hash) (i32.const 2)))
    (loop $next
      (local.set $slot (i32.and (local.get $slot) (i32.const 255)))
      (local.set $id (i32.load8_u offset=9216 (local.get $slot)))
      (if (i32.eqz (local.get $id)) (then (return (i32.const 0))))
      (local.set $name (i32.add (i32.mul (local.get $id) (i32.const 48)) (i32.const 9472)))
      (if (i32.eq (i32.load8_u offset=32 (local.get $name)) (local.get $length))
        (then
          (if (i32.le_u (local.get $length) (i32.const 16))
            (then
              (if (call $spells (local.get $at) (local.get $name) (local.get $length)) (then (return (local.get $id)))))
            (else
              (if (i32.and
                    (call $spells (local.get $at) (local.get $name) (i32.const 16))
                    (call $spells
                      (i32.add (local.get $at) (i32.const 16))
                      (i32.add (local.get $name) (i32.const 16))
                      (i32.sub (local.get $length) (i32.const 16))))
                (then (return (local.get $id))))))))
      (local.set $slot (i32.add (local.get $slot) (i32.const 1)))
      (br $next))
    (unreachable))

  (func $is_space (param $byte i32) (result i32)
    (i32.or (i32.eq (local.get $byte) (i32.const 32)) (i32.eq (local.get $byte) (i32.const 9))))

  ;; Scans fields in [from, end) up to the empty line; at most $most of them. Their offsets count from $base.
  ;; Returns the offset behind the empty line; 0 = not complete, -1 = malformed, -2 = more fields than that.
  (func (export "scan")
    (param $from i32) (param $end i32) (param $most i32) (param $side i32) (param $base i32) (result i32)
    (local $at i32) (local $line i32) (local $name i32) (local $bad i32) (local $bytes v128) (local $first v128)
    (local $mixed i64) (local $hash i32) (local $count i32) (local $head i32) (local $known i32) (local $id i32)
    (local $value i32) (local $value_end i32)
    (local.set $at (local.get $from))
    (local.set $line (i32.add (local.get $side) (i32.const 170368)))
    (local.set $known (i32.add (local.get $side) (i32.const 10368)))
    (loop $fields
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (local.set $head (local.get $at))
      ;; The empty line.
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 13))
        (then
          (if (i32.ge_u (i32.add (local.get $at) (i32.const 1)) (local.get $end)) (then (return (i32.const 0))))
          (if (i32.ne (i32.load8_u offset=1 (local.get $at)) (i32.const 10)) (then (return (i32.const -1))))
          (i32.store (local.get $side) (local.get $count))
          (i32.store offset=4 (local.get $side)
            (i32.shr_u
              (i32.sub (local.get $known) (i32.add (local.get $side) (i32.const 10368)))
              (i32.const 4)))
          (return (i32.add (local.get $at) (i32.const 2)))))
      ;; The name, to the first byte that is no token character.
      (local.set $mixed (i64.const 0))
      (local.set $first (call $fold (v128.load align=1 (local.get $at))))
      (loop $more_name
        (local.set $bytes (v128.load align=1 (local.get $at)))
        (local.set $bad (call $not_token (local.get $bytes)))
        (if (i32.eqz (local.get $bad))
          (then
            (local.set $mixed (call $mix (local.get $mixed) (call $fold (local.get $bytes))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br_if $more_name (i32.lt_u (local.get $at) (local.get $end)))
            (return (i32.const 0)))))
      (local.set $bad (i32.ctz (local.get $bad)))
      (local.set $hash
        (call $hash_of
          (call $mix (local.get $mixed)
            (v128.and
              (call $fold (local.get $bytes))
              (v128.load align=1 (i32.sub (i32.const 32) (local.get $bad)))))))
      (local.set $at (i32.add (local.get $at) (local.get $bad)))
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (if (i32.or
            (i32.ne (i32.load8_u (local.get $at)) (i32.const 58))
            (i32.eq (local.get $at) (local.get $head)))
        (then (return (i32.const -1))))
      (local.set $name (local.get $at))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      ;; The value, to the first byte that may not stand in it.
      (loop $more_value
        (local.set $bad (call $not_value (v128.load align=1 (local.get $at))))
        (if (i32.eqz (local.get $bad))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br_if $more_value (i32.lt_u (local.get $at) (local.get $end)))
            (return (i32.const 0)))))
      (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $bad))))
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 13)) (then (return (i32.const -1))))
      (if (i32.ge_u (i32.add (local.get $at) (i32.const 1)) (local.get $end)) (then (return (i32.const 0))))
      (if (i32.ne (i32.load8_u offset=1 (local.get $at)) (i32.const 10)) (then (return (i32.const -1))))
      (if (i32.eq (local.get $count) (local.get $most)) (then (return (i32.const -2))))
      (local.set $value_end (local.get $at))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (i32.store (local.get $line) (i32.sub (local.get $head) (local.get $base)))
      (i32.store offset=4 (local.get $line) (i32.sub (local.get $name) (local.get $base)))
      (i32.store offset=8 (local.get $line) (i32.sub (local.get $at) (local.get $base)))
      (if (call $may_be_known (local.get $hash))
        (then
          (local.set $id
            (call $known (local.get $head) (i32.sub (local.get $name) (local.get $head)) (local.get $hash)))
          (i32.store (local.get $known) (local.get $count))
          (i32.store offset=4 (local.get $known) (local.get $id))
          (if (local.get $id)
            (then
              (i32.store8 offset=128
                (i32.add (local.get $side) (local.get $count))
                (i32.load8_u offset=64 (i32.add (local.get $side) (local.get $id))))
              (i32.store offset=12 (local.get $line) (local.get $id))
              (local.set $value (i32.add (local.get $name) (i32.const 1)))
              (loop $before
                (if (i32.lt_u (local.get $value) (local.get $value_end))
                  (then
                    (if (call $is_space (i32.load8_u (local.get $value)))
                      (then
                        (local.set $value (i32.add (local.get $value) (i32.const 1)))
                        (br $before))))))
              (loop $behind
                (if (i32.lt_u (local.get $value) (local.get $value_end))
                  (then
                    (if (call $is_space (i32.load8_u (i32.sub (local.get $value_end) (i32.const 1))))
                      (then
                        (local.set $value_end (i32.sub (local.get $value_end) (i32.const 1)))
                        (br $behind))))))
              (i32.store offset=8 (local.get $known) (i32.sub (local.get $value) (local.get $base)))
              (i32.store offset=12 (local.get $known) (i32.sub (local.get $value_end) (local.get $base))))
            (else
              (i32.store offset=12 (local.get $line)
                (i32.or
                  (i32.or (local.get $hash) (i32.const 1))
                  (call $claim (local.get $first) (i32.sub (local.get $name) (local.get $head)))))))
          (local.set $known (i32.add (local.get $known) (i32.const 16))))
        (else
          (i32.store8 offset=128
            (i32.add (local.get $side) (local.get $count))
            (call $claim (local.get $first) (i32.sub (local.get $name) (local.get $head))))
          (i32.store offset=12 (local.get $line) (i32.const 0))))
      (local.set $line (i32.add (local.get $line) (i32.const 16)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br $fields))
    (unreachable))

  ;; The hash that the scan makes of a name of $length bytes.
  (func (export "hash") (param $at i32) (param $length i32) (result i32)
    (local $mixed i64)
    (loop $more
      (if (i32.ge_u (local.get $length) (i32.const 16))
        (then
          (local.set $mixed (call $mix (local.get $mixed) (call $fold (v128.load align=1 (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (local.set $length (i32.sub (local.get $length) (i32.const 16)))
          (br $more))))
    (call $hash_of
      (call $mix (local.get $mixed)
        (v128.and
          (call $fold (v128.load align=1 (local.get $at)))
          (v128.load align=1 (i32.sub (i32.const 32) (local.get $length)))))))

  ;; Looks for the line that begins at $at and ends at the first CR before $end among those that are kept at $table: 256
  ;; places of 256 bytes, each of which keeps at 0 its length, at 4 its hash, at 8 the hash of another that was looked for
  ;; there last, and at 16 its bytes.
  ;; Returns its place; -2 less a place = it is not kept, and was looked for there last; -1 = neither, or none of up to 239
  ;; bytes ends here.
  (func (export "recall") (param $at i32) (param $end i32) (param $table i32) (result i32)
    (local $p i32) (local $bytes v128) (local $cr i32) (local $mixed i64) (local $hash i32) (local $slot i32)
    (local $place i32) (local $length i32) (local $left i32)
    (local.set $p (local.get $at))
    (if (i32.gt_u (local.get $end) (i32.add (local.get $at) (i32.const 240)))
      (then (local.set $end (i32.add (local.get $at) (i32.const 240)))))
    (loop $more
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
      (local.set $bytes (v128.load align=1 (local.get $p)))
      (local.set $cr (i8x16.bitmask (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 13)))))
      (if (i32.eqz (local.get $cr))
        (then
          (local.set $mixed (call $mix (local.get $mixed) (local.get $bytes)))
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br $more))))
    (local.set $cr (i32.ctz (local.get $cr)))
    (if (i32.ge_u (i32.add (local.get $p) (local.get $cr)) (local.get $end)) (then (return (i32.const -1))))
    (local.set $hash
      (call $hash_of
        (call $mix (local.get $mixed)
          (v128.and (local.get $bytes) (v128.load align=1 (i32.sub (i32.const 32) (local.get $cr)))))))
    (local.set $length (i32.sub (i32.add (local.get $p) (local.get $cr)) (local.get $at)))
    (if (i32.eqz (local.get $length)) (then (return (i32.const -1))))
    ;; All bits count: the lowest ones of the hash say little about a line's last bytes.
    (local.set $slot (i32.shr_u (i32.mul (local.get $hash) (i32.const 0x9e3779b1)) (i32.const 24)))
    (local.set $place (i32.add (local.get $table) (i32.shl (local.get $slot) (i32.const 8))))
    (block $other
      (br_if $other (i32.ne (i32.load offset=4 (local.get $place)) (local.get $hash)))
      (br_if $other (i32.ne (i32.load (local.get $place)) (local.get $length)))
      (local.set $left (local.get $length))
      (local.set $p (i32.add (local.get $place) (i32.const 16)))
      (loop $compare
        (br_if $other
          (v128.any_true
            (v128.and
              (v128.xor (v128.load align=1 (local.get $at)) (v128.load align=1 (local.get $p)))
              (v128.load align=1
                (i32.sub
                  (i32.const 32)
                  (select
                    (i32.const 16)
                    (local.get $left)
                    (i32.gt_u (local.get $left) (i32.const 16))))))))
        (if (i32.gt_u (local.get $left) (i32.const 16))
          (then
            (local.set $left (i32.sub (local.get $left) (i32.const 16)))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (local.set $p (i32.add (local.get $p) (i32.const 16)))
            (br $compare))))
      (return (local.get $slot)))
    (if (i32.eq (i32.load offset=8 (local.get $place)) (local.get $hash))
      (then (return (i32.sub (i32.const -2) (local.get $slot)))))
    (i32.store offset=8 (local.get $place) (local.get $hash))
    (i32.const -1))

  (func (export "copy") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length)))

  ;; Copies to $to the first line, [0, first_end), and the fields whose marks let them go on, as they stand from $base on.
  ;; A field that a proxy claims goes on if $mark_max is 2. Returns how many bytes they are; 0 = more than $room.
  (func (export "kept")
    (param $side i32) (param $base i32) (param $first_end i32) (param $mark_max i32) (param $to i32) (param $room i32)
    (result i32)
    (local $at i32) (local $count i32) (local $i i32) (local $mark i32) (local $line i32) (local $start i32)
    (local $end i32)
    (local.set $at (local.get $to))
    (local.set $end (local.get $first_end))
    (local.set $count (i32.load (local.get $side)))
    (local.set $line (i32.add (local.get $side) (i32.const 170368)))
    (local.set $room (i32.add (local.get $room) (local.get $to)))
    (loop $fields
      (if (i32.lt_u (local.get $i) (local.get $count))
        (then
          (local.set $mark (i32.load8_u offset=128 (i32.add (local.get $side) (local.get $i))))
          (if (i32.and
                (i32.ne (local.get $mark) (i32.const 1))
                (i32.le_u (local.get $mark) (local.get $mark_max)))
            (then
              (if (i32.ne (i32.load (local.get $line)) (local.get $end))
                (then
                  (if (i32.gt_u
                        (i32.add (local.get $at) (i32.sub (local.get $end) (local.get $start)))
                        (local.get $room))
                    (then (return (i32.const 0))))
                  (memory.copy
                    (local.get $at)
                    (i32.add (local.get $base) (local.get $start))
                    (i32.sub (local.get $end) (local.get $start)))
                  (local.set $at (i32.add (local.get $at) (i32.sub (local.get $end) (local.get $start))))
                  (local.set $start (i32.load (local.get $line)))))
              (local.set $end (i32.load offset=8 (local.get $line)))))
          (local.set $line (i32.add (local.get $line) (i32.const 16)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $fields))))
    (if (i32.gt_u (i32.add (local.get $at) (i32.sub (local.get $end) (local.get $start))) (local.get $room))
      (then (return (i32.const 0))))
    (memory.copy
      (local.get $at)
      (i32.add (local.get $base) (local.get $start))
      (i32.sub (local.get $end) (local.get $start)))
    (i32.sub
      (i32.add (local.get $at) (i32.sub (local.get $end) (local.get $start)))
      (local.get $to)))

  ;; Moves the first line and the fields that are not left out together where they stand, so that $room bytes are free
  ;; between them and the empty line that ends at $head_end. Lines behind the last one that is left out move up by $room,
  ;; those before it may only move down, into what was left out.
  ;; Returns where the first line begins now; -1 = it takes more than that, and nothing was moved.
  (func (export "compact")
    (param $side i32) (param $base i32) (param $head_end i32) (param $room i32) (result i32)
    (local $i i32) (local $line i32) (local $end i32) (local $to i32) (local $from i32)
    (local.set $i (i32.load (local.get $side)))
    (block $found
      (loop $last
        (br_if $found (i32.eqz (local.get $i)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $last
          (i32.ne (i32.load8_u offset=128 (i32.add (local.get $side) (local.get $i))) (i32.const 1)))
        (local.set $line (i32.add (local.get $side) (i32.shl (local.get $i) (i32.const 4))))
        (if (i32.lt_s
              (i32.sub (i32.load offset=170376 (local.get $line)) (i32.load offset=170368 (local.get $line)))
              (local.get $room))
          (then (return (i32.const -1))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))))
    (local.set $end (i32.sub (i32.sub (local.get $head_end) (local.get $base)) (i32.const 2)))
    (local.set $to (i32.sub (i32.sub (local.get $head_end) (i32.const 2)) (local.get $room)))
    (block $done
      (loop $fields
        (br_if $done (i32.eqz (local.get $i)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $fields
          (i32.ne (i32.load8_u offset=128 (i32.add (local.get $side) (local.get $i))) (i32.const 1)))
        (local.set $line (i32.add (local.get $side) (i32.shl (local.get $i) (i32.const 4))))
        (local.set $from (i32.load offset=170376 (local.get $line)))
        (local.set $to (i32.sub (local.get $to) (i32.sub (local.get $end) (local.get $from))))
        (memory.copy
          (local.get $to)
          (i32.add (local.get $base) (local.get $from))
          (i32.sub (local.get $end) (local.get $from)))
        (local.set $end (i32.load offset=170368 (local.get $line)))
        (br $fields)))
    (local.set $to (i32.sub (local.get $to) (local.get $end)))
    (memory.copy (local.get $to) (local.get $base) (local.get $end))
    (local.get $to))

  ;; Writes sixteen hexadecimal digits to $at: those of $low, then those of $high, each from its lowest four bits up.
  (func (export "hex") (param $at i32) (param $low i32) (param $high i32)
    (local $bytes v128)
    (local.set $bytes
      (i64x2.splat
        (i64.or
          (i64.extend_i32_u (local.get $low))
          (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32)))))
    (v128.store align=1 (local.get $at)
      (i8x16.swizzle
        (v128.const i8x16 48 49 50 51 52 53 54 55 56 57 97 98 99 100 101 102)
        (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
          (v128.and (local.get $bytes) (i8x16.splat (i32.const 15)))
          (i8x16.shr_u (local.get $bytes) (i32.const 4)))))))
