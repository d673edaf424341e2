/** A part of a representation that is put together from several values, and the changes that a plan makes to it. */
import type { FetchDataRewrite } from '@apollo/query-planner'
import type { IsOfType } from '../graphql/type-conditions.ts'
import { nameOf } from './type-names.ts'

/** A value: JSON text, a list, or an object. */
export type Gathered = string | Gathered[] | GatheredObject
export type GatheredObject = Map<string, Gathered>

/** Returns the JSON text. */
export function jsonOf(value: Gathered): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map(jsonOf).join()}]`
  const members = [...value].map(([name, inner]) => `${JSON.stringify(name)}:${jsonOf(inner)}`)
  return `{${members.join()}}`
}

const conditionPrefix = '... on '

/** Returns the function that makes a change to an object in place. */
export function rewriteOf(
  rewrite: FetchDataRewrite,
  isOfType: IsOfType,
): (value: GatheredObject) => void {
  const { path } = rewrite
  return (value) => changeAt(0, value)

  function changeAt(index: number, value: Gathered | undefined): void {
    if (Array.isArray(value)) for (const element of value) changeAt(index, element)
    if (!(value instanceof Map)) return
    const step = path[index]
    if (step === undefined) return
    if (index === path.length - 1) return change(value, step)
    if (!step.startsWith(conditionPrefix)) return changeAt(index + 1, value.get(step))
    const typename = value.get('__typename')
    const condition = step.slice(conditionPrefix.length)
    if (typeof typename !== 'string' || isOfType(nameOf(typename), condition)) {
      changeAt(index + 1, value)
    }
  }

  function change(object: GatheredObject, name: string): void {
    if (rewrite.kind === 'ValueSetter') {
      object.set(name, JSON.stringify(rewrite.setValueTo))
      return
    }
    const value = object.get(name)
    if (value === undefined) return
    object.delete(name)
    object.set(rewrite.renameKeyTo, value)
  }
}
