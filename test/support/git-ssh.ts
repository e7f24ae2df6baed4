import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { type Lifetime, type RemoteRepository, scratchFolder } from './git-repository.ts';

/** Git over ssh, by Debian's sshd. */
export interface SshServer {
  /** `ssh://USER@127.0.0.1:PORT/…/acme/shop.git`. */
  readonly url: string;
  readonly port: number;
  /** The line that makes a client know this server. */
  readonly knownHosts: string;
  /** The key that is let in. */
  readonly privateKey: string;
  /** What the server logged. */
  log(): string;
}

const SSHD = '/usr/sbin/sshd';
const SSH_KEYGEN = 'ssh-keygen';

/** For the `skip` option of tests: why there is no sshd, which is a failure where `CI=true`. */
export const skipWithoutSshd: string | false =
  existsSync(SSHD) || process.env['CI'] === 'true' ? false : 'no openssh-server';

/** Makes a pair of keys. @returns the private one in OpenSSH's format, and the public one on a line. */
export function makeSshKey(t: Lifetime, passphrase = ''): { readonly privateKey: string; readonly publicKey: string } {
  const file = join(scratchFolder(t), 'key');
  execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', file]);
  return { privateKey: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}

/** Starts an sshd on a free port of 127.0.0.1 that runs nothing but git for one key. */
export async function serveSsh(t: Lifetime, repository: RemoteRepository): Promise<SshServer> {
  const folder = scratchFolder(t);
  const client = makeSshKey(t);
  const host = makeSshKey(t);
  const port = await freePort();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  // Debian's sshd wants it, and only its service makes it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const log = join(folder, 'log');
  const configuration = file(
    'sshd_config',
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${file('host_key', host.privateKey)}`,
      `AuthorizedKeysFile ${file('authorized_keys', `${client.publicKey}\n`)}`,
      `PidFile ${join(folder, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'AcceptEnv GIT_PROTOCOL',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  );
  const server = spawn(SSHD, ['-D', '-f', configuration, '-E', log], { stdio: 'ignore' });
  t.after(() => void server.kill());
  await eventually('sshd', async () => {
    if (server.exitCode !== null) throw new Error(readFileSync(log, 'utf8'));
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    return true;
  });
  const [kind = '', key = ''] = host.publicKey.split(' ');
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}${repository.path}`,
    port,
    knownHosts: `[127.0.0.1]:${port} ${kind} ${key}\n`,
    privateKey: client.privateKey,
    log: () => readFileSync(log, 'utf8'),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
