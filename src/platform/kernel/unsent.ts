/** What the kernel has not taken yet of what one connection sends, in order. */
import { giveBack } from '../node/socket-buffers.ts';
import { Pipe, type Pipes } from './pipes.ts';

/** Bytes in memory of `socket-buffers.ts`, or in a pipe. */
type Piece = Uint8Array | Pipe;

export class Unsent {
  /** How many bytes. */
  length = 0;
  private readonly pipes: Pipes;
  private pieces: Piece[] = [];
  /** How much of the first is sent, where it lies in memory. */
  private sent = 0;

  constructor(pipes: Pipes) {
    this.pipes = pipes;
  }

  /** `sent` of it is sent already: nothing may wait before it then. */
  push(piece: Piece, sent: number): void {
    if (sent > 0) this.sent = sent;
    this.pieces.push(piece);
    this.length += piece.length - sent;
  }

  /** What is to be sent next. There is something. */
  first(): Piece {
    const first = this.pieces[0];
    return first instanceof Pipe || this.sent === 0 ? first : first.subarray(this.sent);
  }

  /** So much of the first is sent. False: not all. */
  advance(bytes: number): boolean {
    const first = this.pieces[0];
    this.length -= bytes;
    if (first instanceof Pipe) {
      if (first.length > 0) return false;
    } else {
      this.sent += bytes;
      if (this.sent < first.length) return false;
      this.sent = 0;
    }
    this.pieces.shift();
    this.giveUp(first);
    return true;
  }

  /** It will never be sent. */
  drop(): void {
    for (const piece of this.pieces) this.giveUp(piece);
    this.pieces = [];
    this.length = 0;
    this.sent = 0;
  }

  private giveUp(piece: Piece): void {
    if (piece instanceof Pipe) this.pipes.give(piece);
    else giveBack(piece);
  }
}
