import { parseHost } from '../host.ts';
import { type GlobAlphabet, globProblem } from './glob.ts';

/** A glob of canonical repositories, `registry/repository`; or what is wrong with it. */
export type ParsedImageGlob =
  | { readonly ok: true; readonly glob: string }
  | { readonly ok: false; readonly problem: string };

const IMAGE_GLOBS: GlobAlphabet = {
  characters: /^[\w.:/[\]@*-]*$/,
  what: 'a repository has letters, digits, ".", "_", "-" and "/"',
};

/**
 * Reads a glob of images. Its host becomes canonical as a reference's does (`index.docker.io`, upper case, `:443`), and
 * `docker.io/nginx` is `docker.io/library/nginx`. What can match no image at all is refused with what was meant: a rule that
 * denies nothing looks like one that protects.
 */
export function parseImageGlob(text: string): ParsedImageGlob {
  const wrong = globProblem(text, IMAGE_GLOBS);
  if (wrong !== null) return bad(wrong);
  const quoted = JSON.stringify(text);
  const slash = text.indexOf('/');
  const last = text.slice(text.lastIndexOf('/') + 1);
  if (/@|:/.test(last.replace(/^\[.*\]/, ''))) {
    return bad(`${quoted} names a tag or a digest: globs are of repositories, and tags have a key of their own`);
  }
  if (slash === -1) {
    if (text.includes('**')) return good(text.toLowerCase());
    return bad(
      `${quoted} matches no image: the name is registry/repository, so write ${JSON.stringify(text === '*' ? '**' : `docker.io/library/${text}`)}`,
    );
  }
  const first = text.slice(0, slash);
  const repository = text.slice(slash + 1);
  if (repository !== repository.toLowerCase()) return bad(`${quoted} matches no image: repositories are lower case`);
  if (/^\/|\/\/|\/$|[:[\]]/.test(repository) || repository === '') {
    return bad(`${quoted} matches no image: it is no registry/repository`);
  }
  const registry = canonicalRegistry(first);
  if (registry === null) {
    return bad(
      `${quoted} matches no image: ${JSON.stringify(first)} is no registry; for Docker Hub write ${JSON.stringify(`docker.io/${text}`)}`,
    );
  }
  const isHubShorthand = registry === 'docker.io' && !repository.includes('/') && !repository.includes('**');
  return good(`${registry}/${isHubShorthand ? 'library/' : ''}${repository}`);
}

function canonicalRegistry(first: string): string | null {
  if (first.includes('*')) return first.toLowerCase().replace(/:0*443$/, '');
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const parsed = parseHost(first);
  return isHost && parsed.ok ? parsed.host : null;
}

function good(glob: string): ParsedImageGlob {
  return { ok: true, glob };
}

function bad(problem: string): ParsedImageGlob {
  return { ok: false, problem };
}
