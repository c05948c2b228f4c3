/** The runtime's natives for byte work, as far as it has them. */
import { Buffer } from 'node:buffer';
import { type ByteOps, pureByteOps } from '../../core/base/bytes.ts';

interface NativeBuffer {
  copy(this: Uint8Array, target: Uint8Array, at: number, start: number, end: number): number;
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, at: number, length: number): number;
}

/** Below this many characters a loop beats the call into the runtime. */
const LOOP_CHARACTERS = 24;

/**
 * `copy` and the latin1 functions of Buffer, which work on any Uint8Array. `set` with a view costs
 * as much as `copy`, and leaves the view behind as garbage.
 */
export function createNodeByteOps(): ByteOps {
  const native = Buffer.prototype as unknown as Partial<NativeBuffer>;
  const { copy, latin1Slice, latin1Write } = native;
  return {
    copy:
      copy === undefined
        ? pureByteOps.copy
        : (source, start, end, target, at) => void copy.call(source, target, at, start, end),
    toLatin1:
      latin1Slice === undefined
        ? pureByteOps.toLatin1
        : (bytes, start, end) => latin1Slice.call(bytes, start, end),
    writeLatin1:
      latin1Write === undefined
        ? pureByteOps.writeLatin1
        : (text, target, at) => {
            if (text.length < LOOP_CHARACTERS) return pureByteOps.writeLatin1(text, target, at);
            return at + latin1Write.call(target, text, at, text.length);
          },
  };
}
