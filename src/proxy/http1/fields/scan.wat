;; Header fields of one HTTP/1.1 head: checked and cut, sixteen bytes at a time. Hot path.
;;
;; What may stand where is decided here and nowhere else: a name is a token that ends at a colon, a value is HTAB, SP,
;; visible ASCII and obs-text that ends at CR LF. Everything else (bare CR or LF, obs-fold, white space before the colon,
;; control characters, empty names) ends the scan as malformed.
;; Source: RFC 9110 sections 5.5, 5.6.2; RFC 9112 sections 2.2, 5, 5.1, 5.2. Classification by two nibble look-ups:
;; Langdale and Lemire, "Parsing gigabytes of JSON per second", section 3.1.2.
;;
;; memory   0      the number of fields of the last scan
;;          16     32 bytes, sixteen 0xff and sixteen 0x00: `16 + 16 - n` is a mask of n bytes
;;          1024   8192 bytes, a bit for each value of sixteen bits of a hash: is there a known name with them?
;;          ...    four i32 for each field, at $out: where its line begins, where its name ends, where its line ends, and
;;                 its name's hash without the lowest two bits: bit 0 = a known name may have it, bit 1 = a proxy's claim
;;          ...    bytes to scan, wherever the caller puts them, with 16 bytes of its own behind them
(module
  (memory (export "memory") 25 25)
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

  ;; Do the first bytes under the mask at $mask equal $prefix?
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

  ;; Scans fields in [from, end) up to the empty line; at most $most of them. Their offsets count from $base.
  ;; Returns the offset behind the empty line; 0 = not complete, -1 = malformed, -2 = more fields than that.
  (func (export "scan")
    (param $from i32) (param $end i32) (param $most i32) (param $out i32) (param $base i32) (result i32)
    (local $at i32) (local $line i32) (local $name i32) (local $bad i32) (local $bytes v128) (local $first v128)
    (local $mixed i64) (local $hash i32) (local $lines_end i32) (local $head i32)
    (i32.store (i32.const 0) (i32.const 0))
    (local.set $at (local.get $from))
    (local.set $line (local.get $out))
    (local.set $lines_end (i32.add (local.get $out) (i32.shl (local.get $most) (i32.const 4))))
    (loop $fields
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (local.set $head (local.get $at))
      ;; The empty line.
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 13))
        (then
          (if (i32.ge_u (i32.add (local.get $at) (i32.const 1)) (local.get $end)) (then (return (i32.const 0))))
          (if (i32.ne (i32.load8_u offset=1 (local.get $at)) (i32.const 10)) (then (return (i32.const -1))))
          (i32.store (i32.const 0) (i32.shr_u (i32.sub (local.get $line) (local.get $out)) (i32.const 4)))
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
        (i32.and
          (i32.wrap_i64
            (call $mix (local.get $mixed)
              (v128.and
                (call $fold (local.get $bytes))
                (v128.load align=1 (i32.sub (i32.const 32) (local.get $bad))))))
          (i32.const -4)))
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
      (if (i32.eq (local.get $line) (local.get $lines_end)) (then (return (i32.const -2))))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (i32.store (local.get $line) (i32.sub (local.get $head) (local.get $base)))
      (i32.store offset=4 (local.get $line) (i32.sub (local.get $name) (local.get $base)))
      (i32.store offset=8 (local.get $line) (i32.sub (local.get $at) (local.get $base)))
      (i32.store offset=12 (local.get $line)
        (i32.or
          (i32.or (local.get $hash) (call $may_be_known (local.get $hash)))
          (call $claim (local.get $first) (i32.sub (local.get $name) (local.get $head)))))
      (local.set $line (i32.add (local.get $line) (i32.const 16)))
      (br $fields))
    (unreachable)))
