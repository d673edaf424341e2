import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Returns the path of the shipped gateway.yaml. Compiled code that runs inside a checkout reads the file
 * of the checkout, not its own copy, so that edits of an operator take effect.
 */
export function shippedConfig(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  return inCheckoutAround(here) ?? join(here, '..', 'gateway.yaml')
}

function inCheckoutAround(folder: string): string | undefined {
  const config = join(folder, 'gateway', 'gateway.yaml')
  if (isProduct(folder) && existsSync(config)) return config
  const parent = dirname(folder)
  return parent === folder ? undefined : inCheckoutAround(parent)
}

function isProduct(folder: string): boolean {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return false
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'portcullis'
}
