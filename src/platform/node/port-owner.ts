/**
 * Who listens on a port of this machine, for the message that says the port is taken. Known on
 * Linux only, from /proc, and a process only to its own user and to root.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortOwner {
  /** null: it belongs to another user, so that its number is not to be seen. */
  readonly pid: number | null;
  /** The program's name, or null when it is not known. */
  readonly program: string | null;
  /** The user's number. */
  readonly uid: number;
}

/** The state LISTEN in /proc/net/tcp. */
const LISTEN = '0A';

interface ListeningSocket {
  /** As the table writes it: hexadecimal words of the machine's byte order. */
  readonly address: string;
  readonly inode: string;
  readonly uid: number;
}

/** The sockets that listen on `port`, out of the text of /proc/net/tcp or tcp6. */
export function listeningSockets(table: string, port: number): readonly ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [, local, , state, , , , uid, , inode] = columns;
    if (state !== LISTEN || inode === undefined) continue;
    const [address, hexPort] = local!.split(':') as [string, string];
    if (Number.parseInt(hexPort, 16) !== port) continue;
    sockets.push({ address, inode, uid: Number(uid) });
  }
  return sockets;
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const entries = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const holds = (pid: string, target: string): boolean =>
  entries(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === target;
    } catch {
      return false;
    }
  });

/** Who listens on `port`; null when nobody does or it cannot be known. */
export function portOwner(port: number): PortOwner | null {
  const [socket] = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    listeningSockets(textOf(file), port),
  );
  if (socket === undefined) return null;
  const pid = entries('/proc').find(
    (entry) => /^\d+$/.test(entry) && holds(entry, `socket:[${socket.inode}]`),
  );
  if (pid === undefined) return { pid: null, program: null, uid: socket.uid };
  // A thread may have renamed itself; the first argument is what the user has typed.
  const typed = textOf(`/proc/${pid}/cmdline`).split('\0')[0]!;
  const program = typed.slice(typed.lastIndexOf('/') + 1).split(/[ :]/)[0]!;
  return {
    pid: Number(pid),
    program: program === '' ? textOf(`/proc/${pid}/comm`).trim() || null : program,
    uid: socket.uid,
  };
}

/** For a message: `node (pid 4711)`, `a process of user 33`; null when nothing is known. */
export function describePortOwner(owner: PortOwner | null): string | null {
  if (owner === null) return null;
  if (owner.pid === null) return `a process of user ${owner.uid}`;
  return owner.program === null ? `process ${owner.pid}` : `${owner.program} (pid ${owner.pid})`;
}
