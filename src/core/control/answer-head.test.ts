import { expect, it } from 'vitest';
import { Field } from '../http/fields.ts';
import { Head } from '../http/head.ts';
import { parseAnswerHead } from './answer-head.ts';

it('is read as that of any response, and refused as that', () => {
  const head = parseAnswerHead('HTTP/1.1 204 No\r\nBackend-Load: x\r\nA: b\r\n\r\n');
  expect(head).toBeInstanceOf(Head);
  expect((head as Head).value(Field.backendLoad)).toBe('x');
  expect(parseAnswerHead('HTTP/1.1 204 No\r\nA b\r\n\r\n')).toMatchObject({ rule: 'FL01' });
});
