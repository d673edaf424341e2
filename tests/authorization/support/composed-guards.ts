/** Random subgraphs whose guards are composed by @apollo/composition itself: the same seed, the same. */
import { randomNumbers } from '../../engine/random-operation.ts'
import { federationLink } from './guarded-graph.ts'
import type { TestSubgraph } from './guarded-graph.ts'

const implementations: Readonly<Record<string, readonly string[]>> = {
  A: ['I', 'J'],
  B: ['I'],
  C: ['J'],
  D: ['I', 'J', 'K'],
}
const fieldsOf: Readonly<Record<string, readonly string[]>> = {
  I: ['x', 'y'],
  J: ['y', 'z'],
  K: ['x', 'y', 'z'],
}

/** Returns subgraphs that share entities, guard them differently, and may have an @interfaceObject. */
export function composedGuards(seed: number): Record<string, TestSubgraph> {
  const random = randomNumbers(seed)
  const chance = (probability: number) => random() < probability
  const hasObject = chance(0.5)

  function entities(has: () => boolean, implementing: boolean): string {
    return Object.entries(implementations)
      .map(([type, all]) => {
        // A field of an @interfaceObject would be missing on an interface that implements this one.
        const interfaces = all.filter((name) => !hasObject || name !== 'K')
        const names = [...new Set(interfaces.flatMap((name) => fieldsOf[name]!))].filter(has)
        const fields = names.map((name) => `${name}: String @shareable ${guards(0.25)}`)
        const head = implementing ? `implements ${interfaces.join(' & ')}` : ''
        return `type ${type} ${head} @key(fields: "id") ${guards(0.12)} { id: ID! ${fields.join(' ')} }`
      })
      .join('\n')
  }

  function guards(probability: number): string {
    return [
      chance(probability) ? '@authenticated' : '',
      chance(probability) ? `@requiresScopes(scopes: ${lists()})` : '',
      chance(probability) ? `@policy(policies: ${lists()})` : '',
    ].join(' ')
  }

  function lists(): string {
    const some = () => ['a', 'b', 'c'].filter(() => chance(0.5))
    return JSON.stringify(chance(0.1) ? [] : chance(0.5) ? [some()] : [some(), some()])
  }

  const first = `type Query { a: A b: B c: C d: D i: I j: J }
    interface I @key(fields: "id") { id: ID! x: String y: String }
    interface J { y: String z: String }
    ${hasObject ? '' : 'interface K implements I & J @key(fields: "id") { id: ID! x: String y: String z: String }'}
    ${entities(() => true, true)}`
  const second = `type Query { other: String } ${entities(() => chance(0.5), false)}`
  const object = `type Query { third: String }
    type I @key(fields: "id") @interfaceObject {
      id: ID! p: String ${guards(0.4)} q: String ${guards(0.4)}
    }`
  const subgraph = (typeDefs: string) => ({ typeDefs: `${federationLink} ${typeDefs}` })
  return {
    first: subgraph(first),
    second: subgraph(second),
    ...(hasObject ? { third: subgraph(object) } : {}),
  }
}
