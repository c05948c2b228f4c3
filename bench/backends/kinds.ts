/** What a server of the ten may be. */

const kinds = [
  'good',
  /** The last takes ten times as long. */
  'slow',
  /** The last answers 500 at once. */
  'failing',
  /** The last takes everything and answers nothing. */
  'hanging',
  /** Once it has begun, the last does not even get what is sent to it: no packet arrives. */
  'black-hole',
  /** Once it has begun, the last is gone every other second, and back. */
  'flapping',
  /** All take three times as long. */
  'all-slow',
  /** Once it has begun, all reset the connection of each request. */
  'resetting',
] as const;

export type ServerKind = (typeof kinds)[number];

export const isServerKind = (name: string): name is ServerKind =>
  (kinds as readonly string[]).includes(name);
