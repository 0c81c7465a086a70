import { JepaError } from '../errors.js';

/**
 * Imports an optional package when it is first needed.
 * @param where what needs it, for the message   @param specifier what is imported, where that is not the package's own name
 * @throws JepaError ERR_JEPA_MISSING_PEER with the command that installs it
 */
export async function importPeer<Module>(
  where: string,
  name: string,
  version: string,
  specifier = name,
): Promise<Module> {
  try {
    return (await import(specifier)) as Module;
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
        ? 'which is not installed'
        : `which does not load (${(cause as Error).message})`;
    throw new JepaError('ERR_JEPA_MISSING_PEER', `[${where}] expected the package ${name}, ${reason}`, {
      help: [`npm install ${name}@${version}`],
      cause,
    });
  }
}
