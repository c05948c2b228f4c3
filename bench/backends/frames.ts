/** WebSocket frames, as far as an echo needs them (RFC 6455, section 5.2). */

export interface Frame {
  readonly opcode: number;
  /** Without its mask. */
  readonly payload: Buffer;
}

const TWO_BYTE_LENGTH = 126;
const EIGHT_BYTE_LENGTH = 127;

/** The whole frames at the front of `bytes`, unmasked in place, and how many bytes they took. */
export function readFrames(bytes: Buffer): { frames: Frame[]; used: number } {
  const frames: Frame[] = [];
  let used = 0;
  while (bytes.length - used >= 2) {
    const isMasked = bytes[used + 1]! >= 0x80;
    let length = bytes[used + 1]! & 0x7f;
    if (length === EIGHT_BYTE_LENGTH) throw new Error('a frame of 64 KiB or more');
    let at = used + 2;
    if (length === TWO_BYTE_LENGTH) {
      if (bytes.length < at + 2) break;
      length = bytes.readUInt16BE(at);
      at += 2;
    }
    const mask = at;
    if (isMasked) at += 4;
    if (bytes.length < at + length) break;
    if (isMasked) for (let n = 0; n < length; n++) bytes[at + n]! ^= bytes[mask + (n & 3)]!;
    frames.push({ opcode: bytes[used]! & 0x0f, payload: bytes.subarray(at, at + length) });
    used = at + length;
  }
  return { frames, used };
}

/** The same frames as a server sends them: without a mask. A ping comes back as a pong. */
export function echoes(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.flatMap(({ opcode, payload }) => [
      Buffer.from(
        payload.length < TWO_BYTE_LENGTH
          ? [0x80 | (opcode === 9 ? 10 : opcode), payload.length]
          : [0x80 | opcode, TWO_BYTE_LENGTH, payload.length >> 8, payload.length & 0xff],
      ),
      payload,
    ]),
  );
}
