import { readFileSync } from 'node:fs'

const shipped = readFileSync(new URL('../../gateway/gateway.yaml', import.meta.url), 'utf8')

/** Returns a part of the configuration that comes with the product, as in `claims`, as it is written. */
export function shippedPart(name: string): string {
  const [part] = new RegExp(`^${name}:\\n(?:[ #].*\\n)*`, 'm').exec(shipped) ?? []
  if (part === undefined) throw new Error(`gateway.yaml has no ${name}`)
  return part
}
