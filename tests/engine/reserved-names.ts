import { Kind, parse, visit } from 'graphql'
import type { Federation } from './federations.ts'

/**
 * Returns the fields that keys and requirements name: an alias of such a name, or arguments for such a
 * field, is where @apollo/gateway is known to be wrong.
 */
export function reservedNames({ subgraphs }: Federation): string[] {
  const names = new Set<string>()
  for (const { sdl } of subgraphs) {
    visit(parse(sdl), {
      Directive({ name, arguments: given }) {
        if (!['key', 'requires', 'provides'].includes(name.value)) return
        const fields = given?.find((argument) => argument.name.value === 'fields')?.value
        if (fields?.kind !== Kind.STRING) return
        visit(parse(`{${fields.value}}`), { Field: (field) => void names.add(field.name.value) })
      },
    })
  }
  return [...names]
}
