/** `trusted_proxies`: addresses and CIDR blocks whose forwarding headers are believed. */

/** An address as 16 bytes (IPv4 as ::ffff:a.b.c.d), or null when it is none. */
export function parseAddress(text: string): Uint8Array | null {
  if (!text.includes(':')) return parseIpv4(text, new Uint8Array(16));
  const bytes = new Uint8Array(16);
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const left = parseGroups(halves[0]!, halves.length === 1);
  const right = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...left, ...new Array<number>(missing).fill(0), ...right];
  groups.forEach((group, index) => {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 255;
  });
  return bytes;
}

function parseIpv4(text: string, bytes: Uint8Array): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  bytes[10] = bytes[11] = 255;
  for (let i = 0; i < 4; i++) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(parts[i]!) || Number(parts[i]) > 255) return null;
    bytes[12 + i] = Number(parts[i]);
  }
  return bytes;
}

/** `last`: the address ends here, so the last group may be written as IPv4. */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part, new Uint8Array(16));
      if (ipv4 === null) return null;
      groups.push((ipv4[12]! << 8) | ipv4[13]!, (ipv4[14]! << 8) | ipv4[15]!);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

export class TrustedPeers {
  private readonly blocks: readonly Block[];

  /** `blocks` as checked by the configuration: `10.0.0.0/8`, `::1`. */
  constructor(blocks: readonly string[]) {
    this.blocks = blocks.flatMap((text) => {
      const [address, length] = text.split('/') as [string, string | undefined];
      const bytes = parseAddress(address);
      if (bytes === null) return [];
      const whole = address.includes(':') ? 128 : 32;
      const bits = length === undefined ? whole : Number(length);
      return [{ bytes, bits: bits + 128 - whole }];
    });
  }

  has(address: string): boolean {
    if (this.blocks.length === 0) return false;
    const bytes = parseAddress(address);
    return bytes !== null && this.blocks.some((block) => inside(bytes, block));
  }
}

function inside(bytes: Uint8Array, { bytes: block, bits }: Block): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== block[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (bytes[whole]! ^ block[whole]!) >> (8 - rest) === 0;
}
