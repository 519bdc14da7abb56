import { AuthClientSchema, type DirectoryClient, openDirectoryClient } from '@waybill/auth-client';
import { loadConfig } from '@waybill/daemon';

/**
 * The way to auth's directory: with the operator's certificate that the environment names, or the
 * one of a lab.
 * @param labFolder the data folder of a running lab
 * @throws Error that names every setting that is missing, and the way out
 */
export async function openDirectory(labFolder: string | undefined): Promise<DirectoryClient> {
  const env = labFolder === undefined ? process.env : await labEnvironment(labFolder);
  const ours = Object.keys(AuthClientSchema.properties).map((name) => [name, env[name]] as const);
  try {
    return openDirectoryClient(loadConfig(AuthClientSchema, Object.fromEntries(ours)));
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\nThe directory is changed through auth, with an operator's certificate. For a lab say --data DIR.`,
      { cause: error },
    );
  }
}

/** Loaded only when asked for: the lab brings much along. @throws Error when there is no lab */
async function labEnvironment(folder: string): Promise<NodeJS.ProcessEnv> {
  const { readLabFile } = await import('@waybill/lab');
  return { ...readLabFile(folder).operator };
}
