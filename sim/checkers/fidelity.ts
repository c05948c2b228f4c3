/**
 * What arrives is what was sent, to the byte, both ways; and what was not sent whole never looks
 * whole.
 */
import type { Answer, Arrival, Request, Sent } from '../request.ts';
import type { World } from '../world.ts';
import type { BodySeen, Checker, Fail } from './checker.ts';

export function createFidelity(world: World, fail: Fail): Checker {
  return new Fidelity(world, fail);
}

class Fidelity implements Checker {
  readonly name = 'fidelity';
  private readonly world: World;
  private readonly fail: Fail;

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  arrivedWhole(request: Request, arrival: Arrival, body: BodySeen): void {
    const who = `${request.nonce} at ${arrival.backend.name}`;
    if (!request.sentWhole) this.fail(`${who} looks whole, but was never sent whole`);
    if (request.hostile !== null) this.fail(`${who} looks whole, but was malformed`);
    const expected = request.upgrade ? 0 : request.bodyBytes;
    if (body.bytes !== expected) {
      this.fail(`${who} has ${body.bytes} bytes of body, ${expected} were sent`);
    }
    if (body.wrongAt >= 0) this.fail(`${who} has a wrong byte at ${body.wrongAt} of its body`);
    const trail = request.trailer ? request.nonce : null;
    if (body.trail !== trail) this.fail(`${who} has the trailer ${body.trail}, not ${trail}`);
  }

  answered(request: Request, answer: Answer): void {
    if (answer.nonce !== request.nonce) return;
    const who = `the answer to ${request.nonce}`;
    if (answer.wrongAt >= 0) this.fail(`${who} has a wrong byte at ${answer.wrongAt} of its body`);
    const same = request.sent.filter((sent) => equal(sent, answer));
    if (same.length > 0) {
      const trailed = same.some(({ trailer }) => trailer) && !request.old;
      const trail = trailed ? request.nonce : null;
      if (answer.trailer !== trail) {
        this.fail(`${who} has the trailer ${answer.trailer}, not ${trail}`);
      }
      return;
    }
    const seen = `${answer.status} with ${answer.bodyBytes} bytes`;
    const sent = request.sent.map(spell).join(', ') || 'none';
    this.fail(`${who} is ${seen}, but no such one was sent whole; sent: ${sent}`);
  }

  tunnelEnded(request: Request): void {
    // Over a poisoned connection it was another request that the backend switched protocols for.
    const isOwn = request.sent.some(({ status }) => status === 101);
    if (!isOwn && this.world.poisoned.size > 0) return;
    const { bodyBytes = 0, wrongAt = -1, whole = false } = request.answer ?? {};
    const who = `the tunnel of ${request.nonce}`;
    if (!whole) this.fail(`${who} ended before the client had ended it`);
    if (wrongAt >= 0) this.fail(`${who} brought back a wrong byte at ${wrongAt}`);
    if (bodyBytes !== request.bodyBytes) {
      this.fail(`${who} brought back ${bodyBytes} of ${request.bodyBytes} bytes`);
    }
  }
}

/** `bodyBytes` of what was sent is -1 where the client cannot see a body either. */
function equal(sent: Sent, answer: Answer): boolean {
  return (
    sent.whole && sent.status === answer.status && Math.max(0, sent.bodyBytes) === answer.bodyBytes
  );
}

const spell = ({ status, bodyBytes, whole }: Sent): string =>
  `${status} with ${bodyBytes} bytes${whole ? '' : ' (not whole)'}`;
