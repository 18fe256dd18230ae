/**
 * The examples of HPACK: blocks of requests and answers, with and without Huffman code.
 * Source: RFC 7541 sections C.2 to C.6.
 */

/** A block, its fields, and the table behind it. */
type Step = readonly [hex: string, fields: readonly string[], table: readonly string[]];

const WWW = ':authority: www.example.com';
const REQUESTS = [
  [':method: GET', ':scheme: http', ':path: /', WWW],
  [':method: GET', ':scheme: http', ':path: /', WWW, 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', WWW, 'custom-key: custom-value'],
] as const;
const REQUEST_TABLES = [
  [WWW],
  ['cache-control: no-cache', WWW],
  ['custom-key: custom-value', 'cache-control: no-cache', WWW],
] as const;
const PRIVATE = 'cache-control: private';
const DATE_21 = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
const DATE_22 = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
const LOCATION = 'location: https://www.example.com';
const GZIP = 'content-encoding: gzip';
const COOKIE = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const RESPONSES = [
  [':status: 302', PRIVATE, DATE_21, LOCATION],
  [':status: 307', PRIVATE, DATE_21, LOCATION],
  [':status: 200', PRIVATE, DATE_22, LOCATION, GZIP, COOKIE],
] as const;
const RESPONSE_TABLES = [
  [LOCATION, DATE_21, PRIVATE, ':status: 302'],
  [':status: 307', LOCATION, DATE_21, PRIVATE],
  [COOKIE, GZIP, DATE_22],
] as const;

/** By section: how large the table is, and blocks that follow one another. */
export const EXAMPLES: Readonly<Record<string, { readonly tableBytes: number; readonly steps: readonly Step[] }>> = {
  'C.2.1': {
    tableBytes: 4096,
    steps: [
      [
        '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
        ['custom-key: custom-header'],
        ['custom-key: custom-header'],
      ],
    ],
  },
  'C.2.2': { tableBytes: 4096, steps: [['040c2f73616d706c652f70617468', [':path: /sample/path'], []]] },
  'C.2.3': { tableBytes: 4096, steps: [['100870617373776f726406736563726574', ['password: secret'], []]] },
  'C.2.4': { tableBytes: 4096, steps: [['82', [':method: GET'], []]] },
  'C.3': {
    tableBytes: 4096,
    steps: [
      ['828684410f7777772e6578616d706c652e636f6d', REQUESTS[0], REQUEST_TABLES[0]],
      ['828684be58086e6f2d6361636865', REQUESTS[1], REQUEST_TABLES[1]],
      ['828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565', REQUESTS[2], REQUEST_TABLES[2]],
    ],
  },
  'C.4': {
    tableBytes: 4096,
    steps: [
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', REQUESTS[0], REQUEST_TABLES[0]],
      ['828684be5886a8eb10649cbf', REQUESTS[1], REQUEST_TABLES[1]],
      ['828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', REQUESTS[2], REQUEST_TABLES[2]],
    ],
  },
  'C.5': {
    tableBytes: 256,
    steps: [
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        RESPONSES[0],
        RESPONSE_TABLES[0],
      ],
      ['4803333037c1c0bf', RESPONSES[1], RESPONSE_TABLES[1]],
      [
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
        RESPONSES[2],
        RESPONSE_TABLES[2],
      ],
    ],
  },
  'C.6': {
    tableBytes: 256,
    steps: [
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        RESPONSES[0],
        RESPONSE_TABLES[0],
      ],
      ['4883640effc1c0bf', RESPONSES[1], RESPONSE_TABLES[1]],
      [
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
        RESPONSES[2],
        RESPONSE_TABLES[2],
      ],
    ],
  },
};
