/** One plain request on a connection of its own, and a stream of them until told to stop. */
import { RawClient } from './raw-client.ts';
import { type Field, fieldValue } from './strict-reader.ts';

export interface Answered {
  /** 0: there was no whole answer; `body` says what came instead. */
  readonly status: number;
  readonly fields: readonly Field[];
  /** latin1. */
  readonly body: string;
}

const answerTimeoutMs = 15_000;

/** GET on a new connection. `fields`: more header lines, each with CR LF. */
export async function get(port: number, target = '/', fields = ''): Promise<Answered> {
  const client = await RawClient.connect(port);
  await client.send(
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields}\r\n`,
  );
  await client.until(() => client.ended !== null, answerTimeoutMs);
  client.destroy();
  const answer = client.responses()[0];
  if (answer === undefined || !answer.complete || client.problem() !== null) {
    const why = client.problem() ?? `ended by ${client.ended}`;
    return { status: 0, fields: [], body: `${why}: ${client.received}` };
  }
  return answer;
}

/** The name in `Response from NAME`. */
export async function whoAnswers(port: number): Promise<string> {
  const { status, body } = await get(port);
  return /^Response from (.*)\n$/.exec(body)?.[1] ?? `${status} ${body}`;
}

/** A value of an answer's field, or null. */
export const field = (answer: Answered, name: string): string | null =>
  fieldValue(answer.fields, name);
