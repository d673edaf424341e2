/**
 * What Node loads in a test: the compiled product, once for all files of a worker process, as every other process of
 * the product runs it; and what is below tests/ anew for each file, as it registers tests.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transformFile } from '@swc/core'
import typescript from './typescript.cjs'

const { isOwnTypescript, swcOptions } = typescript
const root = new URL('../../../', import.meta.url).href
const tests = `${root}tests/`
const compiled = `${pathToFileURL(process.env.COMPILED_PRODUCT).href}/`
const ofProduct = /^(gateway|subgraphs|scripts)\/.*\.ts$/

export async function resolve(specifier, context, next) {
  if (specifier === '@jest/globals') {
    return { url: ofSameFile(new URL('globals.mjs', import.meta.url).href), shortCircuit: true }
  }
  const resolved = await next(specifier, context)
  const { url } = resolved
  if (url.startsWith(tests) && !url.includes('?')) return { ...resolved, url: ofSameFile(url) }
  const path = url.startsWith(root) ? url.slice(root.length) : ''
  if (!ofProduct.test(path)) return resolved
  const file = new URL(`${path.slice(0, -'.ts'.length)}.js`, compiled)
  return existsSync(file) ? { ...resolved, url: file.href, format: 'module' } : resolved

  function ofSameFile(url) {
    return url + new URL(context.parentURL).search
  }
}

export async function load(url, context, next) {
  if (!isOwnTypescript(url)) return next(url, context)
  const path = fileURLToPath(new URL(url))
  const { code } = await transformFile(path, swcOptions)
  return { format: 'module', source: code, shortCircuit: true }
}
