import type { RepresentationWriter } from './representations.ts'
import type { JsonObject } from './response-data.ts'

/** The distinct representations of one fetch. */
export interface DistinctRepresentations {
  /** As JSON texts. */
  readonly texts: readonly string[]
  readonly entities: readonly JsonObject[]
  /** By representation: the indexes of the entities that it is for. */
  readonly owners: readonly (readonly number[])[]
}

/** Returns each representation once; entities that cannot be represented have none. */
export function distinctRepresentations(
  represent: RepresentationWriter,
  entities: readonly JsonObject[],
): DistinctRepresentations {
  const numbers = new Map<string, number>()
  const texts: string[] = []
  const owners: number[][] = []
  // Most entities are found by the value of one field: texts are written for the first of each only.
  const byFirstField = new Map<readonly string[], Map<unknown, number>>()

  for (let index = 0; index < entities.length; index++) {
    const entity = entities[index]!
    const fields = represent.fieldsOf(entity)
    const known = fields && numberOf(entity, fields)
    if (known !== undefined) {
      if (entities[owners[known]![0]!] !== entity) owners[known]!.push(index)
      continue
    }
    const text = represent.write(entity)
    if (text === undefined) continue
    const number = numbers.get(text)
    if (number !== undefined) {
      owners[number]!.push(index)
      continue
    }
    numbers.set(text, texts.length)
    if (fields) byFirstField.get(fields)!.set(entity[fields[0]!], texts.length)
    texts.push(text)
    owners.push([index])
  }
  return { texts, entities, owners }

  function numberOf(entity: JsonObject, fields: readonly string[]): number | undefined {
    const ofType = byFirstField.get(fields)
    if (!ofType) {
      byFirstField.set(fields, new Map())
      return undefined
    }
    const number = ofType.get(entity[fields[0]!])
    if (number === undefined) return undefined
    const other = entities[owners[number]![0]!]!
    for (let index = 1; index < fields.length; index++) {
      if (entity[fields[index]!] !== other[fields[index]!]) return undefined
    }
    return number
  }
}
