import { expect, it } from 'vitest';
import { backend, healthCheck } from '../../../test/fixtures/control-world.ts';
import { conversationWith } from './conversation.ts';

it('says nothing over a connection when that it opens is enough', () => {
  expect(conversationWith(backend(), null)).toBeNull();
  expect(conversationWith(backend(), healthCheck({ kind: 'tcp' }))).toBeNull();
});

it('speaks HTTP when the health check does', () => {
  const label = conversationWith(backend(), healthCheck({ path: '/up' }))?.label;
  expect(label).toBe('GET /up');
});
