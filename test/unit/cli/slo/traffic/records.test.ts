import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { readTraffic } from '#src/cli/slo/traffic/records.ts';
import { accessLine } from '#src/export/requests/access-log.ts';
import { REASON } from '#src/model/reason.ts';
import { fileWith, TRAFFIC_MS } from '../../../../support/simulate/load/recorded.ts';

const read = (t: TestContext, text: string) => [...readTraffic(fileWith(t, text))];

/** What is said of a file, without its name. */
function refusal(t: TestContext, text: string): string {
  const file = fileWith(t, text);
  try {
    for (const _ of readTraffic(file));
  } catch (error) {
    return String((error as Error).message).replace(file, '');
  }
  return 'nothing';
}

const CSV = `time,route,status,duration,user\r
2026-11-01T00:00:00Z,shop,200,12ms,alice\r
"2026-11-01T00:00:01Z","a ""good"", one",503,,\r
`;

describe('CSV', () => {
  it('has its fields by the names in its first line, in any order, quoted or not', (t) => {
    const [first, second] = read(t, CSV);
    assert.deepEqual([first?.request.route, first?.request.durationMs, first?.request.user], ['shop', 12, 'alice']);
    assert.deepEqual(
      [second?.request.route, second?.request.status, second?.request.user],
      ['a "good", one', 503, null],
    );
    assert.deepEqual([second?.line, second?.column], [3, 1]);
    const [other] = read(t, '\ufeffmethod,status,service,time\nGET,204,shop,1793491200\n\n');
    assert.deepEqual([other?.request.service, other?.request.endedAtMs], ['shop', 1_793_491_200_000]);
  });

  it('may have columns of one name, or of none, among those that are passed over', (t) => {
    const [first, ...more] = read(t, 'time,tag,,route,tag,status,\n1793491200,a,,shop,b,503,\n');
    assert.deepEqual([first?.request.route, first?.request.status, more], ['shop', 503, []]);
    assert.equal(
      refusal(t, 'time,tag,route,tag,status\n1793491200,a,shop,b\n'),
      ':2:19: line: expected 5 fields, as in the header, got 4',
    );
    for (const twice of ['status', ' status', 'user'])
      assert.equal(
        refusal(t, `time,user,route,status,${twice}\n1793491200,a,shop,200,500\n`),
        `:1:24: header: expected each column once, got ${twice.trim()} again`,
      );
  });

  it('is refused at the line and column that cannot be read', (t) => {
    assert.equal(
      refusal(t, `${CSV}2026-11-01T00:00:02Z,shop,2xx,,\n`),
      ':4:27: status: expected a status from 100 to 599, or 0 where no answer was given, got 2xx',
    );
    assert.equal(refusal(t, `${CSV}yesterday,shop,200,,\n`).slice(0, 11), ':4:1: time:');
    assert.equal(refusal(t, `${CSV}a,b\n`), ':4:3: line: expected 5 fields, as in the header, got 2');
    assert.equal(
      refusal(t, `${CSV}"a,b,c,d,e\n`),
      ':4:1: line: expected a quoted field that ends in its line, got none',
    );
    assert.equal(refusal(t, `${CSV}"a"b,c,d,e\n`), ':4:4: line: expected a comma after a quoted field, got b');
    assert.match(
      refusal(t, `${CSV}${'x'.repeat(70_000)}\n`),
      /^:4:65536: line: expected at most 65536 characters, got more$/,
    );
  });

  it('is refused without the columns that it takes, with what was meant', (t) => {
    assert.equal(refusal(t, 'time,route\n'), ':1:1: header: expected a column status, got none');
    assert.equal(refusal(t, 'time,status\n'), ':1:1: header: expected a column route or service, got neither');
    assert.equal(
      refusal(t, 'time,route,status,duratoinMs\n'),
      ':1:19: header: expected a column of docs/slo-files.md (did you mean durationMs?), got duratoinMs',
    );
  });
});

describe('an access log', () => {
  const line = (durationMs: number, status = 200) =>
    accessLine(
      [
        TRAFFIC_MS,
        durationMs,
        null,
        'id',
        null,
        '10.0.0.1',
        'GET',
        'a',
        '/x',
        status,
        REASON.none,
        'shop',
        'v1',
        null,
        null,
        1,
        0,
        null,
        null,
        0.1,
        null,
        null,
        null,
        null,
      ],
      0,
    );

  it('is what the gateway writes, greetings and events of others passed over', (t) => {
    const text = `sluice 1.0 serves\n${line(5)}{"event":"config_accepted","time":"x"}\n${line(7, 0)}`;
    const [first, second, ...more] = read(t, text);
    assert.deepEqual(
      [first?.request, more],
      [
        {
          endedAtMs: TRAFFIC_MS + 5,
          route: 'shop',
          service: null,
          version: 'v1',
          rescuedFrom: null,
          path: '/x',
          status: 200,
          reason: REASON.none,
          durationMs: 5,
          user: '10.0.0.1',
          count: 10,
        },
        [],
      ],
    );
    assert.deepEqual([second?.line, second?.request.status, second?.request.reason], [4, 0, REASON.upstreamReset]);
  });

  it('has all its lines with a byte order mark before them, and with blanks', (t) => {
    const took = (text: string) => read(t, text).map(({ request }) => request.durationMs);
    assert.deepEqual(took(`\ufeff${line(5)}${line(7)}`), [5, 7]);
    assert.deepEqual(took(`  ${line(5)}\t${line(7)}`), [5, 7]);
    assert.match(refusal(t, ` {"time": "x", "status": 200}\n`), /^:1:3: time: /);
    assert.match(refusal(t, `${line(5)}  {"time": 5,, }\n`), /^:2:14: line: expected a JSON object, got /);
  });

  it('is refused at the line and column that cannot be read', (t) => {
    assert.match(refusal(t, `${line(5)}{"time": 5,, }\n`), /^:2:12: line: expected a JSON object, got /);
    assert.match(refusal(t, `${line(5)}{"time": "2026`), /^:2:15: line: expected a JSON object, got /);
    assert.match(refusal(t, '{"time": "x", "status": 200}\n'), /^:1:2: time: expected an ISO 8601 time/);
    assert.equal(refusal(t, '{"time": 5, "status": [1]}\n'), ':1:13: status: expected a string or a number, got [1]');
  });
});

describe('a file', () => {
  it('that is not there is refused with the reason', () => {
    assert.throws(() => [...readTraffic('/nowhere/traffic.csv')], /cannot read \/nowhere\/traffic\.csv: ENOENT/);
  });

  it('that has lines, and no request in either form, is refused', (t) => {
    const neither =
      ':1:1: file: expected CSV with the columns time and status, separated by commas, or requests of an access log, got neither';
    for (const text of [
      'just\ntext\n',
      'time;route;status\n2026-11-01T00:00:00Z;shop;200\n',
      '\ntime,route,status\n',
      '{"event":"config_accepted","time":"x"}\n',
    ])
      assert.equal(refusal(t, text), neither, text);
  });

  it('that is empty, or a header alone, has no request', (t) => {
    for (const text of ['', '\n \n', '\ufeff', '\ufefftime,route,status\n']) assert.deepEqual(read(t, text), [], text);
  });
});
