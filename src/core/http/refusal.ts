/**
 * A rule of the wire that was broken: which one, where, and what it means in words. Rule ids are
 * those of the conformance cases in `test/wire`.
 */
export interface Refusal {
  /** The status a client gets for it; a backend's refusal is always a 502. */
  readonly status: number;
  readonly rule: string;
  readonly what: string;
}

const refusal = (status: number, rule: string, what: string): Refusal => ({ status, rule, what });

/** Every refusal there is; none is made anew while traffic runs. */
export const refusals = {
  blankLines: refusal(400, 'RL10', 'more than two empty lines before the request'),
  method: refusal(400, 'RL11', 'the method is not a token'),
  methodLong: refusal(501, 'RL14', 'the method is longer than any known'),
  target: refusal(400, 'RL23', 'a byte in the request target that is not allowed there'),
  targetFragment: refusal(400, 'RL26', 'a fragment (#) in the request target'),
  targetEmpty: refusal(400, 'RL03', 'the request target is empty'),
  targetForm: refusal(400, 'TG08', 'the request target is not a path, a URL or *'),
  targetUserinfo: refusal(400, 'TG05', 'the request target carries userinfo'),
  targetAuthority: refusal(400, 'TG04', 'the request target has no valid host'),
  targetLong: refusal(414, 'RL15', 'the request line is too long'),
  version: refusal(400, 'RL19', 'the HTTP version is malformed'),
  versionUnknown: refusal(505, 'RL18', 'the HTTP version is not supported'),
  lineEnd: refusal(400, 'RL28', 'a line does not end with CR LF'),
  bareCr: refusal(400, 'FL10', 'a CR that is not followed by LF'),
  bareLf: refusal(400, 'RL29', 'an LF that does not follow a CR'),
  fieldFold: refusal(400, 'FL03', 'a folded line, or white space before the first field'),
  fieldName: refusal(400, 'FL06', 'a field name is empty or not a token'),
  fieldNameSpace: refusal(400, 'FL01', 'white space between a field name and the colon'),
  fieldNoColon: refusal(400, 'FL08', 'a field line without a colon'),
  fieldValue: refusal(400, 'FL09', 'a control character in a field value'),
  headLong: refusal(431, 'FL16', 'the head is too large'),
  tooManyFields: refusal(431, 'FL17', 'too many header fields'),
  hostMissing: refusal(400, 'HO01', 'the Host field is missing'),
  hostTwice: refusal(400, 'HO02', 'more than one Host field'),
  hostInvalid: refusal(400, 'HO05', 'the Host field is not a valid host'),
  hostEmpty: refusal(400, 'HO04', 'the Host field is empty'),
  hostNominated: refusal(400, 'HO14', 'Connection names a field that must not be removed'),
  connectionLong: refusal(400, 'FW02', 'Connection names too many fields'),
  contentLength: refusal(400, 'CL06', 'Content-Length is not a number'),
  contentLengthTwice: refusal(400, 'CL02', 'more than one Content-Length'),
  contentLengthHuge: refusal(400, 'CL23', 'Content-Length is too large a number'),
  lengthAndEncoding: refusal(400, 'TE03', 'both Content-Length and Transfer-Encoding'),
  transferEncoding: refusal(400, 'TE05', 'a Transfer-Encoding other than chunked'),
  transferEncodingTwice: refusal(400, 'TE08', 'more than one Transfer-Encoding'),
  transferEncodingOld: refusal(400, 'TE26', 'Transfer-Encoding in an HTTP/1.0 message'),
  expectation: refusal(417, 'FW12', 'an expectation other than 100-continue'),
  notAllowed: refusal(405, 'TG10', 'the method is not allowed here'),
  maxForwards: refusal(400, 'FW08', 'Max-Forwards is not a number'),
  chunkSize: refusal(400, 'CH14', 'a chunk size is not a hexadecimal number'),
  chunkHuge: refusal(400, 'CH20', 'a chunk size is too large a number'),
  chunkLineEnd: refusal(400, 'CH15', 'a chunk line does not end with CR LF'),
  chunkExtension: refusal(400, 'CH19', 'a chunk extension is malformed'),
  chunkExtensionLong: refusal(400, 'CH33', 'too many bytes of chunk extensions'),
  chunkDataEnd: refusal(400, 'CH24', 'chunk data is not followed by CR LF'),
  bodyLong: refusal(413, 'CM06', 'the body is larger than allowed'),
  statusLine: refusal(502, 'UP28', 'the status line is malformed'),
  statusRange: refusal(502, 'UP29', 'the status is outside 100 to 599'),
  switchUnasked: refusal(502, 'UP24', 'a switch of protocols nobody asked for'),
  switchOther: refusal(502, 'UP25', 'a switch to another protocol than asked for'),
} as const satisfies Record<string, Refusal>;
