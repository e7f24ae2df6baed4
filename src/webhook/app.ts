import type { RequestListener } from 'node:http';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { Exchange } from './exchange.ts';

/** What answers `POST` on each path. */
export type Routes = Readonly<Record<`/${string}`, Exchange>>;

/**
 * The address space of the admission port: 405 for other methods than POST, 404 elsewhere. Bodies, and everything about them,
 * are the exchange's.
 *
 * @param failed is told of what Express or an exchange throws, which neither should.
 */
export function createApp(routes: Routes, failed: (error: unknown) => void): RequestListener {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.disable('query parser');
  const exchanges = new Map<string, Exchange>(Object.entries(routes));
  // One step for all paths, which are constants: Express would try the pattern of each route for each request.
  app.use((request: Request, response: Response) => {
    const exchange = exchanges.get(request.path);
    if (exchange === undefined)
      return refuse(response, 404, `only ${Object.keys(routes).join(' and ')} are served here`);
    if (request.method === 'POST') return exchange(request, response);
    response.setHeader('Allow', 'POST');
    return refuse(response, 405, `${request.path} takes POST`);
  });
  // Express tells handlers of errors by their four parameters.
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    failed(error);
    if (response.headersSent) response.destroy();
    else refuse(response, 500, 'internal error');
  });
  return app;
}

function refuse(response: Response, status: number, problem: string): void {
  const text = `${problem}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}
