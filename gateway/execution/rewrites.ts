/** The changes that a plan makes to representations before a fetch, and to data after it. */
import type { FetchDataRewrite } from '@apollo/query-planner'
import { deepestNesting } from './nesting.ts'
import { isObject } from '../values/json.ts'
import type { JsonObject } from './response-data.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'

const conditionPrefix = '... on '

/** Returns a function that applies the rewrites to an object in place, or undefined for none. */
export function rewriter(
  rewrites: readonly FetchDataRewrite[] | undefined,
  isOfType: IsOfType,
): ((value: JsonObject) => void) | undefined {
  if (!rewrites?.length) return undefined
  const changes = rewrites.flatMap((rewrite) => {
    const name = rewrite.path.at(-1)
    return name === undefined ? [] : [{ path: rewrite.path, apply: change(rewrite, name) }]
  })
  return (value) => {
    for (const { path, apply } of changes) applyAt(path, 0, value, apply, deepestNesting)
  }

  function applyAt(
    path: readonly string[],
    index: number,
    value: unknown,
    apply: (object: JsonObject) => void,
    levels: number,
  ): void {
    if (levels === 0) return
    if (Array.isArray(value)) {
      for (const element of value) applyAt(path, index, element, apply, levels - 1)
      return
    }
    if (!isObject(value)) return
    if (index === path.length - 1) return apply(value)
    const step = path[index]!
    if (!step.startsWith(conditionPrefix)) {
      return applyAt(path, index + 1, value[step], apply, levels - 1)
    }
    const typename = value['__typename']
    const condition = step.slice(conditionPrefix.length)
    if (typeof typename !== 'string' || isOfType(typename, condition)) {
      applyAt(path, index + 1, value, apply, levels)
    }
  }
}

function change(rewrite: FetchDataRewrite, name: string): (object: JsonObject) => void {
  if (rewrite.kind === 'ValueSetter') {
    return (object) => {
      object[name] = rewrite.setValueTo
    }
  }
  return (object) => {
    if (!Object.hasOwn(object, name)) return
    object[rewrite.renameKeyTo] = object[name]
    delete object[name]
  }
}

/** Returns the names that rewrites give back to fields, for paths of errors. */
export function renamedKeys(
  rewrites: readonly FetchDataRewrite[] | undefined,
): ReadonlyMap<string, string> {
  return new Map(
    (rewrites ?? []).flatMap((rewrite) =>
      rewrite.kind === 'KeyRenamer' ? [[rewrite.path.at(-1)!, rewrite.renameKeyTo] as const] : [],
    ),
  )
}
