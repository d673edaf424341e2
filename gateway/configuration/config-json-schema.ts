import { z } from 'zod'
import { configSchema } from './gateway-config.ts'
import { addFormerKeys } from './renamed-keys.ts'

/** Returns the JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
  const withPlaceholders = admitPlaceholders(schema) as object
  addFormerKeys(withPlaceholders)
  return { title: 'Portcullis gateway configuration', ...withPlaceholders }
}

/** Where a value of a certain form is expected, the file may have `${env.NAME}` instead. */
function admitPlaceholders(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(admitPlaceholders)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      name === 'default' || name === 'enum' ? value : admitPlaceholders(value),
    ]),
  )
  const { description, default: fallback, ...rule } = inner
  const isValue = ['string', 'number', 'integer', 'boolean'].includes(inner.type as string)
  if (!isValue || (rule.type === 'string' && Object.keys(rule).length === 1)) return inner
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [rule, { type: 'string', pattern: '\\$\\{(env|file)\\.[^}]+\\}' }],
  }
}
