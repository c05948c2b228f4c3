import { describe, expect, it } from 'vitest';
import { request, response } from '../../../test/fuzz/heads.ts';
import { Field } from '../http/fields.ts';
import { ResponseFacts } from '../http/response-facts.ts';
import { mayTravelAsTrailer, sameProtocol } from './header-policy.ts';

/** Is the 101 with these lines what a request with these lines asked for? */
function agreed(asked: readonly string[], given: readonly string[]): boolean {
  const head = response('HTTP/1.1 101 Switching Protocols', ...given);
  const facts = new ResponseFacts();
  expect(facts.decide(head, false)).toBe(null);
  return sameProtocol(request('GET / HTTP/1.1', 'Host: a', ...asked), head, facts);
}

const CONNECTION = 'Connection: Upgrade';

describe('a switch of protocols', () => {
  it('goes to the protocol that was asked for', () => {
    expect(agreed([CONNECTION, 'Upgrade: websocket'], [CONNECTION, 'Upgrade: websocket'])).toBe(
      true,
    );
  });

  it('compares without case', () => {
    expect(agreed([CONNECTION, 'Upgrade: WebSocket'], [CONNECTION, 'Upgrade: websocket'])).toBe(
      true,
    );
  });

  it('is none to another protocol, a longer or a shorter name', () => {
    for (const other of ['websockeT2', 'websocke', 'websocketx', 'tls/1.0xx', '']) {
      expect(agreed([CONNECTION, 'Upgrade: websocket'], [CONNECTION, `Upgrade: ${other}`])).toBe(
        false,
      );
    }
  });

  it('is none when nobody asked', () => {
    expect(agreed([], [CONNECTION, 'Upgrade: websocket'])).toBe(false);
  });

  it('is none when the answer does not say to what, or not in Connection', () => {
    expect(agreed([CONNECTION, 'Upgrade: websocket'], [CONNECTION])).toBe(false);
    expect(agreed([CONNECTION, 'Upgrade: websocket'], ['Upgrade: websocket'])).toBe(false);
  });
});

describe('a trailer field', () => {
  it('travels when it is nothing to us', () => {
    for (const id of [Field.other, Field.date, Field.accept]) {
      expect(mayTravelAsTrailer(id)).toBe(true);
    }
  });

  it('stays behind when it would mean framing, routing, or what is ours to say', () => {
    const ours = [
      Field.dropped,
      Field.host,
      Field.connection,
      Field.transferEncoding,
      Field.contentLength,
      Field.trailer,
      Field.upgrade,
      Field.xForwardedFor,
      Field.xRealIp,
      Field.xRequestId,
    ];
    for (const id of ours) expect(mayTravelAsTrailer(id)).toBe(false);
  });
});
