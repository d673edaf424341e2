/**
 * The guards of interfaces that apply to their implementations (GHSA-mx7m-j9xf-62hw). GraphQL has no
 * inheritance of directives. @apollo/composition refuses guards on interfaces, and writes there the
 * conjunction of the implementations' guards: such a guard requires nothing new of them. Any other
 * guard on an interface was written by its author, and is enforced on each implementation.
 */
import type { Slices } from '../slices.ts'
import { conjunction } from './alternatives.ts'
import type { Alternatives } from './alternatives.ts'
import { directiveOf } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'
import type { GuardedElement, GuardedField, GuardedType, InheritedGuard } from './guarded-type.ts'

/**
 * Returns the types that inherit a guard, or have a field that does, each with the inherited guards.
 *
 * @param possibleTypes the object types that implement an interface
 */
export function* inheritedGuards(
  types: ReadonlyMap<string, GuardedType>,
  possibleTypes: (interfaceName: string) => Iterable<string>,
): Slices<GuardedType[]> {
  const own = new Map<GuardedElement, readonly InheritedGuard[]>()
  for (const type of types.values()) {
    yield
    if (type.kind !== 'interface') continue
    const implementations = [...possibleTypes(type.name)].flatMap((name) => types.get(name) ?? [])
    own.set(type, unexplained(type, implementations))
    for (const field of type.fields.values()) {
      yield
      const theirs = implementations.flatMap(({ fields }) => fields.get(field.name) ?? [])
      own.set(field, unexplained(field, theirs))
    }
  }

  const changed: GuardedType[] = []
  for (const type of types.values()) {
    yield
    const interfaces = [...interfacesOf(type, types)]
    const inherited = interfaces.flatMap((each) => own.get(each) ?? [])
    const fields = [...type.fields.values()].flatMap((field) => inheriting(field, interfaces))
    if (inherited.length === 0 && fields.length === 0) continue
    const all = [...type.fields, ...fields.map((field) => [field.name, field] as const)]
    changed.push({ ...type, inherited, fields: new Map(all) })
  }
  return changed

  function inheriting(field: GuardedField, interfaces: readonly GuardedType[]): GuardedField[] {
    const inherited = interfaces.flatMap(({ fields }) => {
      const declared = fields.get(field.name)
      return (declared && own.get(declared)) ?? []
    })
    return inherited.length === 0 ? [] : [{ ...field, inherited }]
  }
}

/** Every interface that a type implements, those of its interfaces too. */
function interfacesOf(
  type: GuardedType,
  types: ReadonlyMap<string, GuardedType>,
): ReadonlySet<GuardedType> {
  const found = new Set<GuardedType>()
  const waiting = [...type.interfaces]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const each = types.get(name)
    if (!each || found.has(each)) continue
    found.add(each)
    waiting.push(...each.interfaces)
  }
  return found
}

/** Returns the guards of an interface, or of a field on it, that do not come from its implementations. */
function unexplained(
  at: GuardedElement,
  implementations: readonly GuardedElement[],
): readonly InheritedGuard[] {
  if (at.guards.length === 0) return []
  const theirs = implementations.flatMap(({ guards }) => guards)
  return at.guards
    .filter(({ kind }) => !isConjunction(ofKind(at.guards, kind), ofKind(theirs, kind)))
    .map((guard) => ({ guard, at }))
}

function ofKind(guards: readonly Guard[], kind: Guard['kind']): Guard[] {
  return guards.filter((guard) => guard.kind === kind)
}

/** Whether the guards of an interface are what composition makes of those of its implementations. */
function isConjunction(guards: readonly Guard[], theirs: readonly Guard[]): boolean {
  if (theirs.length === 0) return false
  const written = meaningOf(guards, asWritten)
  if (written === undefined) return false
  return [asWritten, emptyIsMet].some((read) => meaningOf(theirs, read) === written)
}

/**
 * Returns a text that is the same for guards that demand the same together. They are of one kind;
 * undefined where they have too many alternatives to be compared.
 */
function meaningOf(
  guards: readonly Guard[],
  read: (anyOf: Alternatives) => Alternatives,
): string | undefined {
  const lists = guards.map((guard) => read(directiveOf(guard.kind).alternatives(guard)))
  const all = conjunction(lists)
  return all && JSON.stringify(all)
}

function asWritten(anyOf: Alternatives): Alternatives {
  return anyOf
}

/** Composition takes an empty list for one that every caller meets. */
function emptyIsMet(anyOf: Alternatives): Alternatives {
  return anyOf.length === 0 ? [[]] : anyOf
}
