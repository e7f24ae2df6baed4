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
  app.enable('strict routing').enable('case sensitive routing').disable('query parser');
  for (const [path, exchange] of Object.entries(routes)) {
    app.post(path, (request: Request, response: Response) => exchange(request, response));
    app.all(path, (_request: Request, response: Response) => {
      response.setHeader('Allow', 'POST');
      refuse(response, 405, `${path} takes POST`);
    });
  }
  app.use((_request: Request, response: Response) => {
    refuse(response, 404, `only ${Object.keys(routes).join(' and ')} are served here`);
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
