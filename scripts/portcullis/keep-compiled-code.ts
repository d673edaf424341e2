import module from 'node:module'
import { resolve } from 'node:path'
import { makeFolder } from '../../subgraphs/kit/process/make-folder.ts'

/** From Node 22.8 on. */
type EnableCompileCache = (directory: string) => { readonly directory?: string | undefined }

/**
 * Makes this process, and those that it starts, keep compiled code in DATA_DIR, where Node can: the next start then
 * takes less CPU time. A folder that cannot be written changes nothing. The system's folder for temporary files would
 * not do: other users could put code there.
 * @param environment gets the folder, for the processes that are started
 */
export function keepCompiledCode(
  environment: NodeJS.ProcessEnv,
  { enableCompileCache }: { enableCompileCache?: EnableCompileCache } = module as object,
): void {
  if (!enableCompileCache || environment.NODE_COMPILE_CACHE !== undefined) return
  if (environment.NODE_DISABLE_COMPILE_CACHE !== undefined) return
  const folder = resolve(environment.DATA_DIR || '.data', 'compiled-code')
  try {
    makeFolder(folder)
  } catch {
    return
  }
  const { directory } = enableCompileCache(folder)
  if (directory !== undefined) environment.NODE_COMPILE_CACHE = folder
}
