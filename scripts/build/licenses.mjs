/** The licenses of packages whose code is in a bundle: they ask to be part of each copy. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './product.mjs'

/**
 * Returns the licenses of the packages from which a bundle was made, as text.
 *
 * @param inputs the files of the bundle, as paths from the root (esbuild's `metafile.inputs`)
 */
export function licensesOf(inputs) {
  const folders = inputs.flatMap((file) => packageFolder.exec(file) ?? [])
  return [...new Set(folders)].sort().map(licenseIn).join('\n')
}

const packageFolder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/

function licenseIn(folder) {
  const path = join(root, folder)
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const file = readdirSync(path).find((each) => /^licen[cs]e/i.test(each))
  if (file === undefined)
    throw new Error(`${name} has no file with its license: it cannot be bundled`)
  const text = readFileSync(join(path, file), 'utf8').trim()
  return `--- ${name} ${version} (${license})\n\n${text}\n`
}
