import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../src/platform/network/listen.ts';

/** A Service on loopback. */
export interface RoundRobin {
  /** How many connections each port has got. */
  readonly connections: ReadonlyMap<number, number>;
  /** The ports that did not accept one, each time; a Service of a cluster would not have tried another. */
  readonly refused: readonly number[];
}

/**
 * Hands connections to ports of this machine, one after the other; where one does not accept, the next is tried. It ends with
 * the test.
 *
 * @param port where it listens itself.
 * @param targets the ports; asked for each connection, as endpoints may come and go.
 */
export async function startRoundRobin(
  t: { after(end: () => unknown): void },
  port: number,
  targets: () => readonly number[],
): Promise<RoundRobin> {
  const sockets = new Set<Socket>();
  const connections = new Map<number, number>();
  const refused: number[] = [];
  let turn = 0;
  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  }
  function forward(from: Socket, tries: number): void {
    const ports = targets();
    const target = ports[(turn += 1) % ports.length];
    if (target === undefined || tries >= ports.length) {
      from.destroy();
      return;
    }
    const to = connect(target, '127.0.0.1');
    keep(to);
    to.once('error', () => {
      refused.push(target);
      forward(from, tries + 1);
    });
    to.once('connect', () => {
      connections.set(target, (connections.get(target) ?? 0) + 1);
      to.removeAllListeners('error');
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
      from.pipe(to).pipe(from);
    });
  }
  const server = createServer((from) => {
    keep(from);
    from.on('error', () => {});
    forward(from, 0);
  });
  await listen(server, { host: '127.0.0.1', port });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { connections, refused };
}
