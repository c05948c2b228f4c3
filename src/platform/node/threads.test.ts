import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ownThread, startThread, type Thread } from './threads.ts';

type Message = { readonly what: string; readonly value?: unknown };

const entry = new URL('../../../test/fixtures/small-thread.mjs', import.meta.url);

let folder: string;
/** `threads.ts` as JavaScript: a thread has no transpiler of its own. */
let module: string;
let started: Started[];
let words: Int32Array;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'evenkeel-threads-'));
  const source = fs.readFileSync(new URL('./threads.ts', import.meta.url), 'utf8');
  const target = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const { outputText } = ts.transpileModule(source, { compilerOptions: target });
  const file = path.join(folder, 'threads.mjs');
  fs.writeFileSync(file, outputText);
  module = pathToFileURL(file).href;
});

afterAll(() => fs.rmSync(folder, { recursive: true }));

beforeEach(() => {
  started = [];
  words = new Int32Array(new SharedArrayBuffer(4));
});

afterEach(async () => {
  for (const each of started) {
    each.thread.terminate();
    await each.ended;
  }
});

class Started {
  readonly thread: Thread<Message>;
  /** Messages and, last, the end, in the order in which they came. */
  readonly heard: unknown[] = [];
  /** What `ended` was told. */
  readonly ended: Promise<string | null>;
  ends = 0;
  private awaited: { count: number; resolve: () => void } | null = null;

  constructor(at: URL = entry) {
    let end: (why: string | null) => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    const data = { module, words, name: 'somebody' };
    this.thread = startThread<Message, unknown>(at, 'small', data, {
      message: (message) => this.hear(message),
      ended: (why) => {
        this.ends++;
        this.hear('ended');
        end(why);
      },
    });
    started.push(this);
  }

  private hear(what: unknown): void {
    this.heard.push(what);
    if (this.awaited !== null && this.heard.length >= this.awaited.count) this.awaited.resolve();
  }

  /** Until so much has been heard since the start. */
  async hears(count: number): Promise<unknown[]> {
    if (this.heard.length < count) {
      await new Promise<void>((resolve) => {
        this.awaited = { count, resolve };
      });
    }
    return this.heard;
  }
}

describe('a thread', () => {
  it('hears what was posted, in order, also before it had begun', async () => {
    const one = new Started();
    for (const value of ['a', { b: [1, 2] }, 3]) one.thread.post({ what: 'echo', value });
    expect(await one.hears(3)).toEqual(['a', { b: [1, 2] }, 3]);
  });

  it('gets its data, in which shared memory is shared', async () => {
    const one = new Started();
    words[0] = 40;
    one.thread.post({ what: 'name' });
    one.thread.post({ what: 'add', value: 2 });
    expect(await one.hears(2)).toEqual(['somebody', 40]);
    expect(Atomics.load(words, 0)).toBe(42);
  });

  it('shares memory that comes in a message', async () => {
    const one = new Started();
    const shared = new SharedArrayBuffer(4);
    one.thread.post({ what: 'echo', value: shared });
    const [back] = await one.hears(1);
    Atomics.store(new Int32Array(shared), 0, 7);
    expect(Atomics.load(new Int32Array(back as SharedArrayBuffer), 0)).toBe(7);
  });
});

describe('the end of a thread', () => {
  it('by an error tells its text and where it was thrown, once', async () => {
    const one = new Started();
    one.thread.post({ what: 'throw', value: 'the sky has fallen' });
    const why = await one.ended;
    expect(why).toContain('the sky has fallen');
    expect(why).toContain('small-thread.mjs');
    one.thread.terminate();
    await new Promise((next) => setTimeout(next, 20));
    expect(one.ends).toBe(1);
  });

  it('by something thrown that is no error tells what that was', async () => {
    const one = new Started();
    one.thread.post({ what: 'throw text', value: 'just a text' });
    expect(await one.ended).toContain('just a text');
  });

  it('by a module that is not there tells so', async () => {
    const one = new Started(new URL('./no-such-module.mjs', entry));
    expect(await one.ended).toMatch(/no-such-module/);
  });

  it('by its own exit is without an error', async () => {
    const one = new Started();
    one.thread.post({ what: 'exit', value: 3 });
    expect(await one.ended).toBeNull();
  });

  it('comes after everything it had said', async () => {
    const one = new Started();
    one.thread.post({ what: 'many', value: 1000 });
    await one.ended;
    expect(one.heard).toEqual([...Array.from({ length: 1000 }, (_, number) => number), 'ended']);
  });

  it('can be forced while it never comes back to its loop', async () => {
    const one = new Started();
    one.thread.post({ what: 'spin' });
    await one.hears(1);
    one.thread.terminate();
    one.thread.terminate();
    expect(await one.ended).toBeNull();
    const after = Atomics.load(words, 0);
    await new Promise((next) => setTimeout(next, 20));
    expect(Atomics.load(words, 0)).toBe(after);
    expect(one.ends).toBe(1);
  });

  it('leaves the other threads alone, and nobody minds a message that comes too late', async () => {
    const [one, other] = [new Started(), new Started()];
    one.thread.post({ what: 'exit', value: 0 });
    await one.ended;
    one.thread.post({ what: 'echo', value: 'too late' });
    other.thread.post({ what: 'echo', value: 'still here' });
    expect(await other.hears(1)).toEqual(['still here']);
    expect(one.heard).toEqual(['ended']);
  });
});

it("the main thread has no thread's end of its own", () => {
  expect(() => ownThread()).toThrow('this module runs in a thread of its own');
});
