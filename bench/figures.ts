/** What is measured. The unit is in the name; a scenario has those figures that mean something. */

export interface Figures {
  /** User and system time of the contestant, all its processes and threads, over the requests. */
  readonly cpuMicrosecondsPerRequest: number;
  readonly requestsPerSecond: number;
  /** Read from the balancer, heads included, and bodies sent to it. */
  readonly bytesPerSecond: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  readonly p999Microseconds: number;
  readonly maxMicroseconds: number;
  /** Of all its processes, at the end of the run. */
  readonly residentBytes: number;
  readonly connections: number;
  /** What `connections` idle ones added to the resident memory, for each. */
  readonly idleBytesPerConnection: number;
}

export type FigureName = keyof Figures;

/** How a figure is told: divided by `unit`, with so many digits, under a heading. */
export interface Telling {
  readonly heading: string;
  readonly unit: number;
  readonly digits: number;
}

const tell = (heading: string, digits: number, unit = 1): Telling => ({ heading, unit, digits });

/** In the order of the table's columns. */
export const tellings: Readonly<Record<FigureName, Telling>> = {
  cpuMicrosecondsPerRequest: tell('CPU us/req', 1),
  requestsPerSecond: tell('req/s', 0),
  bytesPerSecond: tell('MB/s', 1, 1e6),
  p50Microseconds: tell('p50 us', 0),
  p99Microseconds: tell('p99 us', 0),
  p999Microseconds: tell('p99.9 us', 0),
  maxMicroseconds: tell('max us', 0),
  residentBytes: tell('RSS MiB', 1, 2 ** 20),
  connections: tell('connections', 0),
  idleBytesPerConnection: tell('KiB/idle', 2, 1024),
};

export const figureNames = Object.keys(tellings) as FigureName[];
