/**
 * Ten servers in one process, of which the last may be bad: `ten.js KIND PORT...`. Each does four
 * things at once, and each thing takes it 5 ms; more than four wait in line. They say how busy they
 * are, for those who go by that.
 */
import { createServer, type ServerResponse } from 'node:http';
import { LoadMeter } from '../../src/core/balancing/load-meter.ts';

const SERVICE_MS = 5;
const AT_ONCE = 4;

/** `slow`: ten times as long; `failing`: 500 at once; `hanging`: no answer, ever. */
export type Kind = 'good' | 'slow' | 'failing' | 'hanging';

class Desk {
  private readonly serviceMs: number;
  private busy = 0;
  private readonly line: ServerResponse[] = [];
  private readonly meter = new LoadMeter();

  constructor(serviceMs: number) {
    this.serviceMs = serviceMs;
  }

  ask(response: ServerResponse): void {
    const met = this.meter.begin();
    const beganMs = performance.now();
    response.on('close', () => this.meter.end(met, performance.now() - beganMs));
    if (this.busy === AT_ONCE) this.line.push(response);
    else this.serve(response);
  }

  private serve(response: ServerResponse): void {
    this.busy += 1;
    setTimeout(() => {
      this.busy -= 1;
      response.setHeader('backend-load', this.meter.report());
      response.end('answer\n');
      const next = this.line.shift();
      if (next !== undefined) this.serve(next);
    }, this.serviceMs);
  }
}

function serve(port: number, kind: Kind): void {
  const desk = new Desk(kind === 'slow' ? 10 * SERVICE_MS : SERVICE_MS);
  const server = createServer((_request, response) => {
    if (kind === 'failing') response.writeHead(500).end('no\n');
    else if (kind !== 'hanging') desk.ask(response);
  });
  server.keepAliveTimeout = 3_600_000;
  server.listen(port, '127.0.0.1');
}

if (process.argv[1]?.endsWith('ten.js')) {
  const [kind, ...ports] = process.argv.slice(2);
  ports.forEach((port, i) => {
    serve(Number(port), i === ports.length - 1 ? (kind as Kind) : 'good');
  });
}
