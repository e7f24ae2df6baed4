import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a proxy does with bytes: `silent` takes them and hands none on, as a network does that lost a machine. */
export type ProxyMode = 'pass' | 'silent' | 'refuse';

/** A TCP proxy on loopback that fails when it is told to. The certificate of the server holds for it, since its address is the same. */
export interface FaultProxy {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** How many connections were made. */
  connections(): number;
  /** How many of them are open. */
  open(): number;
  /** `refuse` resets those that are open, too. */
  mode(mode: ProxyMode): void;
  /** From now on bytes arrive so much later. */
  delay(milliseconds: number): void;
  /** Resets every connection that is open. */
  cut(): void;
}

/** Starts a proxy to an address such as `https://127.0.0.1:6443`; it ends with the test. */
export async function startFaultProxy(t: { after(f: () => Promise<void>): void }, target: string): Promise<FaultProxy> {
  const { hostname: host, port } = new URL(target);
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  let connections = 0;
  let mode: ProxyMode = 'pass';
  let latency = 0;

  function cut(): void {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  function join(from: Socket, to: Socket): void {
    let last = Promise.resolve();
    from.on('data', (data: Buffer) => {
      if (mode !== 'pass') return;
      if (latency === 0) return void to.write(data);
      const due = sleep(latency);
      last = last.then(async () => {
        await due;
        if (!to.destroyed) to.write(data);
      });
    });
    from.on('end', () => {
      if (mode === 'pass') void last.then(() => to.end());
    });
    from.on('error', () => to.destroy());
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    connections += 1;
    if (mode === 'refuse') return void near.on('error', () => {}).resetAndDestroy();
    const far = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
    const pair = { near, far };
    pairs.add(pair);
    near.on('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on('close', () => {
      // A server that went away says so, but the network may not pass it on.
      if (mode === 'pass') near.destroySoon();
    });
    join(near, far);
    join(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    cut();
    await once(server, 'close');
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    open: () => pairs.size,
    mode(wanted) {
      mode = wanted;
      if (wanted === 'refuse') cut();
    },
    delay(milliseconds) {
      latency = milliseconds;
    },
    cut,
  };
}
