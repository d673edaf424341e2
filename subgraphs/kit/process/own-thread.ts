/** Runs a module of the product in a worker thread: TypeScript from TypeScript, compiled from compiled. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'

/**
 * Returns a thread that runs a module.
 *
 * @param name of the module without its extension, relative to the module that starts it
 * @param startedBy `import.meta.url` of the module that starts it
 */
export function ownThread(name: string, startedBy: string, options: WorkerOptions = {}): Worker {
  if (!startedBy.endsWith('.ts')) return new Worker(new URL(`${name}.js`, startedBy), options)
  // In development: tsx does not reach into threads by itself on Node 20.
  const tsx = pathToFileURL(createRequire(startedBy).resolve('tsx/package.json'))
  const loader = JSON.stringify(new URL('dist/esm/api/index.mjs', tsx).href)
  const module = JSON.stringify(new URL(`${name}.ts`, startedBy).href)
  const code = `import(${loader}).then((tsx) => { tsx.register(); return import(${module}) })`
  return new Worker(code, { ...options, eval: true })
}
