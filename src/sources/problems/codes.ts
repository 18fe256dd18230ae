/**
 * The one table of what can be wrong with a configuration document: stable code and meaning.
 *
 * docs/problems.md shows this table with a remedy for each, and a test keeps the two alike. A code is never reused for another meaning:
 * a kind of problem that goes away leaves a gap. SLU10xx are problems (the document is refused), SLU19xx are warnings
 * (it is accepted, and something in it probably is not what was meant).
 */

type KindText = readonly [code: string, meaning: string];

const TABLE = {
  syntax: ['SLU1001', 'The document is not valid YAML 1.2.'],
  tooLarge: ['SLU1002', 'The document is larger than 16 MiB.'],
  empty: ['SLU1003', 'The document is empty.'],
  severalDocuments: ['SLU1004', 'The file holds more than one YAML document.'],
  tag: ['SLU1005', 'A value carries a YAML tag such as `!!str` or `!custom`.'],
  duplicateKey: ['SLU1006', 'A key appears twice in one mapping: a duplicate service, version or field.'],
  badKey: ['SLU1007', 'A key is not plain text, or is `__proto__`.'],
  tooComplex: [
    'SLU1008',
    'The document is nested deeper than 64 levels, or holds more than 2,000,000 values once its aliases are followed.',
  ],
  alias: ['SLU1009', 'An alias (`*name`) has no anchor (`&name`) before it.'],
  variableUnset: ['SLU1010', '`${NAME}` names an environment variable that is not set.'],
  variableForm: ['SLU1011', 'A `${` is not followed by a variable name and `}`.'],
  ratio: ['SLU1012', 'A ratio is not a number above 0 and below 1.'],
  moreProblems: ['SLU1013', 'There are more than 1,000 problems; the rest are only counted.'],
  unknownField: ['SLU1020', 'A field is not known here.'],
  missing: ['SLU1021', 'A required field is missing.'],
  type: ['SLU1022', 'A value has the wrong type.'],
  choice: ['SLU1023', 'A value is not one of those allowed.'],
  number: ['SLU1024', 'A number is not an integer or outside its range.'],
  emptyList: ['SLU1025', 'A list that needs at least one entry is empty.'],
  duration: ['SLU1030', 'A duration is malformed or outside its range.'],
  size: ['SLU1031', 'A size in bytes is malformed or outside its range.'],
  address: ['SLU1032', 'An address is not `host:port`.'],
  port: ['SLU1033', 'A port is outside its range.'],
  hostname: ['SLU1034', 'A host name is malformed.'],
  path: ['SLU1035', 'A path to match is malformed.'],
  headerName: ['SLU1036', 'A header, cookie or color name is not an HTTP token.'],
  headerValue: ['SLU1037', 'A header value to match or to write is malformed.'],
  method: ['SLU1038', 'A method is not an HTTP method token.'],
  cidr: ['SLU1039', 'An address block is not valid CIDR notation.'],
  name: ['SLU1040', 'A route, service or version name is malformed.'],
  weight: ['SLU1041', 'A weight is not an integer from 0 to 1,000,000.'],
  pattern: ['SLU1042', 'A regular expression cannot be compiled, or is too large.'],
  queryParam: ['SLU1043', 'The name or value of a query parameter to match is malformed.'],
  share: ['SLU1044', 'A ratio is not a number from 0 to 1.'],
  endpointWeight: ['SLU1045', 'The weight of an endpoint is not an integer from 1 to 1,000.'],
  retryStatus: ['SLU1046', 'A status to try again on is not 500 to 599, 409, 425 or 429.'],
  pathSent: ['SLU1047', 'A path to write, of a rewrite, a redirect or a health check, is malformed.'],
  protectedHeader: ['SLU1048', 'A header filter names a header that frames, routes or ends a message.'],
  origin: ['SLU1049', 'An origin that CORS allows is malformed.'],
  duplicateRoute: ['SLU1050', 'Two routes have the same name.'],
  duplicateMatch: ['SLU1051', 'Two matches are identical: same host, path, method, headers and query parameters.'],
  noWeight: ['SLU1052', 'All weights of a route are 0.'],
  unknownService: ['SLU1053', 'A route sends to a service that is not defined.'],
  unknownVersion: ['SLU1054', 'A route sends to a version that its service does not have.'],
  versionNeeded: ['SLU1055', 'A route leaves the version out, but the service does not have exactly one.'],
  duplicateBackend: ['SLU1056', 'A route sends to the same version twice.'],
  duplicateEndpoint: ['SLU1057', 'A version lists the same endpoint twice.'],
  duplicateColor: ['SLU1058', 'Two versions of a service claim the same color.'],
  rolloutWithoutSlo: ['SLU1059', 'A rollout has no SLO to be judged by.'],
  rolloutVersion: ['SLU1060', 'A rollout names a version that the route does not send to.'],
  rolloutSame: ['SLU1061', 'A rollout has the same version as stable and as canary.'],
  rolloutAmbiguous: ['SLU1062', 'A rollout names a version that several services of the route have.'],
  rolloutNoStable: ['SLU1063', 'The stable version of a rollout has weight 0.'],
  sameAddress: ['SLU1064', 'The data plane and the admin server would listen on the same port.'],
  stickyEmpty: ['SLU1065', '`sticky` names no source of a user key.'],
  duplicateHeader: ['SLU1066', 'A match asks for the same header twice.'],
  reservedHeader: ['SLU1067', 'The color header is one that HTTP itself needs.'],
  limitsOrder: ['SLU1068', 'A limit contradicts another one.'],
  tooMany: ['SLU1069', 'There are more routes, endpoints, rollouts or sources than the gateway takes.'],
  protocol: ['SLU1070', 'A protocol to upgrade to is malformed, or is HTTP itself.'],
  duplicateQuery: ['SLU1071', 'A match asks for the same query parameter twice.'],
  listedTwice: ['SLU1072', 'A list has the same entry twice.'],
  durationOrder: ['SLU1073', 'A duration contradicts another one.'],
  filterTwice: ['SLU1074', 'A route has two filters of the same type.'],
  filterField: ['SLU1075', 'A filter, or its path, has a field that does not go with its type.'],
  filterEmpty: ['SLU1076', 'A filter changes nothing.'],
  duplicateWritten: ['SLU1077', 'A header filter writes the same header twice, or writes and removes it.'],
  prefixNeeded: ['SLU1078', 'A prefix is to be replaced on a route whose matches are not all prefixes.'],
  redirectBackends: ['SLU1079', 'A route redirects and has backends too.'],
  redirectBeside: ['SLU1080', 'A route redirects and has filters that could never act.'],
  corsCredentials: ['SLU1081', 'CORS allows `*` together with credentials.'],
  corsWildcard: ['SLU1082', 'CORS allows `*` and names beside it.'],
  mirrorShare: ['SLU1083', 'A mirror has both `percent` and `fraction`, or a fraction above 1.'],
  timeWindow: ['SLU1084', 'A time window is said to roll and does not, or the other way round.'],
  stepsOrder: ['SLU1085', 'The steps of a rollout do not rise.'],
  adminToken: ['SLU1086', 'The admin token is too short, too long or not visible ASCII.'],
  directory: ['SLU1087', 'The path of a directory is empty or malformed.'],
  variableForeign: ['SLU1088', 'A document from a store names an environment variable.'],
  pieceName: ['SLU1089', 'A route of a store carries another name than its key.'],
  fileOnly: ['SLU1090', 'A document of a source sets a field that only the main document may set.'],
  url: ['SLU1091', 'A URL is malformed, or holds a password.'],
  sourceKind: ['SLU1092', 'An entry of `sources` does not name exactly one kind of source.'],
  sourceText: ['SLU1093', 'A text that reaches a store, such as a prefix, a user name or a token, is malformed.'],
  sourceFields: ['SLU1094', 'Fields of a source go together, and one of them is missing.'],
  tooManyPieces: ['SLU1095', 'The sources hold more documents, or more bytes, than the gateway reads.'],
  listTooLong: ['SLU1096', 'A list has more entries than it may.'],
  weightsRoute: ['SLU1110', 'A weights document is of a route that does not exist.'],
  weightsVersion: [
    'SLU1111',
    'A weights document names a version that the route does not send to, or that several of its services have.',
  ],
  weightsReason: ['SLU1112', 'The reason in a weights document is too long.'],
  publicKey: ['SLU1120', 'A key that tokens are verified with is not a public one.'],
  keyOrigin: ['SLU1121', 'A key, or a set of keys, does not say in exactly one way where it is.'],
  endpointsKind: ['SLU1130', 'The endpoints of a version are neither a list nor one question.'],
  registryText: ['SLU1131', 'A name, a tag or an address that endpoints are asked for by is malformed.'],
  registryMissing: ['SLU1132', 'A version asks somebody for its endpoints whom `discovery` does not name.'],
  emptyVersion: ['SLU1901', 'A version has no endpoints, so its weight counts as 0.'],
  unusedService: ['SLU1902', 'No route sends to this service.'],
  sharedEndpoint: ['SLU1903', 'Two versions of a service have the same endpoint, so they cannot be told apart there.'],
  slowNeverSeen: [
    'SLU1904',
    'The latency threshold is not below the request timeout: no answer is ever counted as slow.',
  ],
  colorUnreachable: [
    'SLU1905',
    'Versions have colors, but colors are accepted from trusted proxies only, there are none, and nothing is signed.',
  ],
  attemptTooLong: ['SLU1906', 'One attempt may take longer than the whole request: it is never cut off by itself.'],
  hedgeAlone: ['SLU1907', 'A route hedges, but no version it sends to has a second endpoint.'],
  hedgeTooLate: ['SLU1908', 'A route hedges only after the attempt or the request has been given up.'],
  retryNever: ['SLU1909', 'A route says when to try again, and allows no retries.'],
  mirrorToSelf: ['SLU1910', 'A mirror copies requests to a version that the route sends to already.'],
  redirectLoop: ['SLU1911', 'A redirect leads to a path that the route itself redirects.'],
  patternNeverMatches: ['SLU1912', 'A regular expression for paths does not begin with a slash.'],
  hashWithoutKey: ['SLU1913', 'A service balances by user key, and a route without `sticky` sends to it.'],
  redirectIdle: ['SLU1914', 'A route redirects and has settings for requests that are sent on.'],
  unreachable: ['SLU1915', 'A match never takes a request: another one always comes first, or its method is refused.'],
  stepsMissing: ['SLU1916', 'A rollout has settings for its steps, and no steps.'],
  rescueOff: ['SLU1917', 'A rollout says which requests are rescued, and rescues none.'],
  pieceIgnored: ['SLU1918', 'A key of a store is neither the configuration, nor a route, a service or weights.'],
  shadowed: ['SLU1919', 'A route, a service, weights or a setting is in an earlier source already; that one counts.'],
} as const satisfies Record<string, KindText>;

/** Short name of a kind of problem. */
export type Kind = keyof typeof TABLE;

/** One row of the table, as docs/problems.md shows it. */
export interface KindRow {
  readonly code: string;
  readonly meaning: string;
}

/** Every kind of problem, in the order of docs/problems.md. */
export const PROBLEM_KINDS: readonly KindRow[] = Object.values(TABLE).map(([code, meaning]) => ({ code, meaning }));

/** The stable code of a kind, `SLU1012`. */
export function codeOf(kind: Kind): string {
  return TABLE[kind][0];
}
