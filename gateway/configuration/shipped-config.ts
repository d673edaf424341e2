import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Returns the path of the shipped gateway.yaml. */
export function shippedConfig(): string {
  return shippedFile('gateway/gateway.yaml')
}

/**
 * Returns the path of a file that is shipped with the product. Compiled code that runs inside a checkout
 * reads the file of the checkout, not its own copy, so that edits of an operator take effect.
 *
 * @param path from the root of the product
 */
export function shippedFile(path: string): string {
  const compiled = fileURLToPath(new URL('../../', import.meta.url))
  const product = productAround(compiled)
  const file = product === undefined ? undefined : join(product, path)
  return file !== undefined && existsSync(file) ? file : join(compiled, path)
}

function productAround(folder: string): string | undefined {
  if (isProduct(folder)) return folder
  const parent = dirname(folder)
  return parent === folder ? undefined : productAround(parent)
}

function isProduct(folder: string): boolean {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return false
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'portcullis'
}
