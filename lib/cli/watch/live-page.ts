import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JepaError } from '../../errors.js';
import type { TrainingEvent } from '../../train/events.js';
import { remember } from '../page/history.js';
import { style } from '../page/style.js';
import type { Look, Messages } from './messages.js';
import { livePage } from './page.js';

/** Only this machine can reach it. */
const host = '127.0.0.1';
/** Bytes waiting for a reader who does not read; then it is let go, and its browser comes back by itself. */
const mostWaiting = 16 << 20;

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Modules that the page's script is made of. */
const pageModules: ReadonlySet<string> = new Set([
  '/browser/live.js',
  '/browser/clip-player.js',
  '/page/chart.js',
  '/page/clip-player.js',
  '/page/history.js',
  '/page/html.js',
  '/page/training-charts.js',
  '/page/violation.js',
  '/duration.js',
]);

/** Serves a page about a run while it goes on: on the loopback interface only, without a request to anywhere else. */
export class LivePage {
  readonly url: string;
  readonly #server: Server;
  readonly #title: string;
  readonly #readers = new Set<ServerResponse>();
  readonly #events: TrainingEvent[] = [];
  #look: Look | undefined;

  private constructor(
    server: Server,
    title: string,
    { events, failed }: { readonly events: readonly TrainingEvent[]; readonly failed: (error: Error) => void },
  ) {
    this.#server = server;
    this.#title = title;
    server.on('error', failed);
    for (const event of events) remember(this.#events, event);
    this.url = `http://${host}:${(server.address() as AddressInfo).port}/`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      response.on('error', () => response.destroy()); // its reader went away
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /**
   * @param options.port 0 for a free one   @param options.events of the run before this process
   * @param options.failed told when the server fails later on; the page is then to be closed
   * @throws JepaError ERR_JEPA_INVALID_ARGUMENT where the port cannot be had
   */
  static async open(
    title: string,
    {
      port = 0,
      events = [],
      failed = () => {},
    }: {
      readonly port?: number;
      readonly events?: readonly TrainingEvent[];
      readonly failed?: (error: Error) => void;
    } = {},
  ): Promise<LivePage> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: NodeJS.ErrnoException): void =>
        reject(
          new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[watch] expected port ${port} to be free, got ${cause.code}`, {
            help: ['leave --port out, and a free one is taken'],
            cause,
          }),
        );
      server.once('error', refused);
      server.listen(port, host, () => {
        server.off('error', refused);
        resolve();
      });
    });
    return new LivePage(server, title, { events, failed });
  }

  training(event: TrainingEvent): void {
    remember(this.#events, event);
    this.#tell('training', event);
  }

  look(look: Look): void {
    this.#look = look;
    this.#tell('look', look);
  }

  /** Says the last word to whoever looks on, and ends. */
  async close(message: string): Promise<void> {
    this.#tell('end', { message });
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const reader of this.#readers) reader.end();
    this.#server.closeIdleConnections();
    const slow = setTimeout(() => this.#server.closeAllConnections(), 1000);
    await closed;
    clearTimeout(slow);
  }

  #tell<Name extends keyof Messages>(name: Name, message: Messages[Name], readers = [...this.#readers]): void {
    for (const reader of readers) {
      reader.write(`event: ${name}\ndata: ${JSON.stringify(message)}\n\n`);
      if (reader.writableLength > mostWaiting) {
        this.#readers.delete(reader);
        reader.destroy();
      }
    }
  }

  async #answer({ method, url, headers: { host: named } }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    // A page from elsewhere whose name leads here, too, must not read what is served (DNS rebinding).
    const known = named === `${host}:${port}` || named === `localhost:${port}`;
    const path = (url ?? '').split('?')[0];
    const send = (status: number, type: string, body: string | Buffer): void => {
      response.writeHead(status, { ...headers, 'Content-Type': type }).end(method === 'HEAD' ? undefined : body);
    };
    if (!known) send(403, 'text/plain', `expected the host ${host}:${port}\n`);
    else if (method !== 'GET' && method !== 'HEAD') send(405, 'text/plain', 'expected GET\n');
    else if (path === '/') send(200, 'text/html; charset=utf-8', livePage(this.#title));
    else if (path === '/style.css') send(200, 'text/css; charset=utf-8', style);
    else if (path === '/events' && method === 'GET') this.#connect(response);
    else if (pageModules.has(path))
      send(200, 'text/javascript; charset=utf-8', await readFile(new URL(`..${path}`, import.meta.url)));
    else send(404, 'text/plain', 'not found\n');
  }

  #connect(response: ServerResponse): void {
    response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream' });
    this.#readers.add(response);
    response.on('close', () => this.#readers.delete(response));
    this.#tell('run', { title: this.#title, events: this.#events, ...(this.#look ? { look: this.#look } : {}) }, [
      response,
    ]);
  }
}
