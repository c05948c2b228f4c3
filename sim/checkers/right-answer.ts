/**
 * An answer belongs to the request it came for. The one exception is what HTTP/1.1 cannot tell
 * apart: a backend that sent an answer too many on a connection which carried other requests.
 */
import type { Answer, Request } from '../request.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

/** What the balancer may answer by itself to a request that is well-formed. */
const OWN_STATUSES = [408, 502, 503, 504];

export function createRightAnswer(world: World, fail: Fail): Checker {
  return new RightAnswer(world, fail);
}

class RightAnswer implements Checker {
  readonly name = 'right answer';
  private readonly world: World;
  private readonly fail: Fail;

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  answered(request: Request, answer: Answer): void {
    if (answer.nonce === null) this.checkOwn(request, answer.status);
    else if (answer.nonce !== request.nonce && !this.isExcused(answer.nonce)) {
      this.fail(`${request.nonce} got the answer to ${answer.nonce}`);
    } else if (request.hostile === 'ambiguous') {
      this.fail(`${request.nonce} can be read in two ways, and was answered by a backend`);
    }
  }

  private checkOwn(request: Request, status: number): void {
    const { nonce, hostile } = request;
    if (this.world.options.calm) this.fail(`${nonce} got a ${status} of ours in a calm world`);
    const { rateLimit } = this.world.options;
    const allowed = [...OWN_STATUSES];
    if (hostile !== null) allowed.push(400);
    if (rateLimit !== null) allowed.push(429);
    if (!allowed.includes(status))
      this.fail(`${nonce} is well-formed, and got a ${status} of ours`);
    // A slow one may have run out of time before it was whole.
    if (hostile === 'ambiguous' && status !== 400 && status !== 408) {
      this.fail(`${nonce} can be read in two ways, and got a ${status}`);
    }
  }

  private isExcused(nonce: string): boolean {
    const source = this.world.requests.get(nonce.replace(/^x/, 'r'));
    return source?.sent.some(({ connection }) => this.world.poisoned.has(connection)) ?? false;
  }
}
