/** Files that a configuration names: error pages and certificate authorities. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Parsed } from './quantities.ts';

/** Reads each file once, so that what was checked is what is used. */
export class NamedFiles {
  /** What relative paths are seen from: the folder of the configuration file. */
  private readonly folder: string;
  private readonly read = new Map<string, Parsed<string>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The file's text, or why it cannot be had. */
  text(path: string): Parsed<string> {
    const full = resolve(this.folder, path);
    const known = this.read.get(full);
    if (known !== undefined) return known;
    const result = readText(full, path);
    this.read.set(full, result);
    return result;
  }
}

/** Reads a file of UTF-8 text. `shown`: what the messages call it. */
export function readText(path: string, shown: string): Parsed<string> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return { problem: unreadable(error as NodeJS.ErrnoException, path, shown) };
  }
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const { line, column } = firstOddByte(bytes);
    return { problem: `${shown}:${line}:${column} is not UTF-8 text; save it as UTF-8` };
  }
}

/** Where bytes cease to be UTF-8, counted from 1. Columns count characters. */
function firstOddByte(bytes: Uint8Array): { readonly line: number; readonly column: number } {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  try {
    for (const byte of bytes) text += decoder.decode(Uint8Array.of(byte), { stream: true });
  } catch {
    // This byte, or the one before it that promised more.
  }
  const lines = text.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function unreadable(error: NodeJS.ErrnoException, path: string, shown: string): string {
  const place = path === shown ? '' : ` (looked for ${path})`;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no file ${shown}${place}; check the path, or create it`;
    case 'EISDIR':
      return `${shown} is a directory; name a file in it`;
    case 'EACCES':
    case 'EPERM':
      return `no permission to read ${shown}; make it readable for the user that runs evenkeel`;
    default:
      return `cannot read ${shown}: ${error.code ?? error.message}; check the path`;
  }
}

/** Is this PEM text, rather than the path of a file? */
export const isPem = (text: string): boolean => text.includes('-----BEGIN ');

/** What is wrong with PEM text that should hold certificates; null: nothing. */
export function certificateProblem(pem: string, shown: string): string | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) {
    const key = /PRIVATE KEY/.test(pem) ? ' but a private key' : '';
    return `${shown} holds no certificate${key}; write a PEM file with "BEGIN CERTIFICATE" in it`;
  }
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      const which = blocks.length === 1 ? 'the certificate' : `certificate ${i + 1}`;
      return `${which} in ${shown} is damaged; export it again as PEM`;
    }
  }
  return null;
}
