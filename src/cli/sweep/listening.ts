import { addressText, type ListenAddress } from '../../platform/network/listen.ts';
import { CommandError } from '../output.ts';

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there: stop it, or choose another port',
  EACCES: 'not permitted: choose a port above 1023',
  EADDRNOTAVAIL: 'no such address on this machine',
  ENOTFOUND: 'there is no host of that name',
};

/** Starts a server. @throws CommandError 3 that says why an address can't be had. */
export async function listenOrExplain<Server>(
  flag: string,
  address: ListenAddress,
  start: (listen: ListenAddress) => Promise<Server>,
): Promise<Server> {
  try {
    return await start(address);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    const message = `sweep: --${flag} ${addressText(address)}: ${WHY[code] ?? 'can not listen there'} (${code})`;
    throw new CommandError(3, message, { cause });
  }
}
