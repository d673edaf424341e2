/** Which uses of a schema a breaking change breaks. */
import {
  BreakingChangeType as Change,
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql'
import type { BreakingChange, GraphQLSchema } from 'graphql'

/**
 * Returns the coordinates that an operation refers to if the change breaks it; `Type.*` stands for all of
 * a type. They may be more than the change really breaks, but not fewer. Undefined: not known.
 *
 * @param last the schema before the change
 */
export function affectedCoordinates(
  { type, description }: BreakingChange,
  last: GraphQLSchema,
): string[] | undefined {
  const { form, coordinates } = forms[type]
  const names = form.exec(description)?.slice(1)
  return names && coordinates(names as Names, last)
}

/** What the groups of a form have found. */
type Names = [string, string, string, string, string]

interface Form {
  /** The words of graphql-js, with groups for the names. */
  readonly form: RegExp
  readonly coordinates: (names: Names, last: GraphQLSchema) => string[]
}

const forms: Readonly<Record<Change, Form>> = {
  [Change.TYPE_REMOVED]: {
    form: /^(?:Standard scalar )?(\w+) was removed/,
    coordinates: ([type], last) => usesOfType(type, last),
  },
  [Change.TYPE_CHANGED_KIND]: {
    form: /^(\w+) changed from /,
    coordinates: ([type], last) => usesOfType(type, last),
  },
  [Change.TYPE_REMOVED_FROM_UNION]: {
    form: /^(\w+) was removed from union type/,
    coordinates: ([member], last) => [...allOf(member), ...abstractTypesOf(member, last)],
  },
  [Change.IMPLEMENTED_INTERFACE_REMOVED]: {
    form: /^(\w+) no longer implements interface (\w+)/,
    coordinates: ([type, ofInterface], last) => [
      ...[...allOf(type), ...allOf(ofInterface)],
      ...abstractTypesOf(type, last),
    ],
  },
  [Change.FIELD_REMOVED]: {
    form: /^(\w+)\.(\w+) was removed/,
    coordinates: ([type, field], last) => usesOfField(type, field, last),
  },
  [Change.FIELD_CHANGED_KIND]: {
    form: /^(\w+)\.(\w+) changed type from (\S+) to (\S+)\.$/,
    coordinates: ([type, field, from, to], last) =>
      isInputObjectType(last.getType(type)) && becomesRequired(from, to)
        ? usesOfInput(type, last)
        : usesOfField(type, field, last),
  },
  [Change.REQUIRED_ARG_ADDED]: {
    form: /^A required arg \w+ on (\w+)\.(\w+) was added/,
    coordinates: ([type, field], last) => usesOfField(type, field, last),
  },
  [Change.ARG_REMOVED]: {
    form: /^(\w+)\.(\w+) arg (\w+) was removed/,
    coordinates: ([type, field, argument], last) => usesOfArgument(type, field, argument, last),
  },
  [Change.ARG_CHANGED_KIND]: {
    form: /^(\w+)\.(\w+) arg (\w+) has changed type from (\S+) to (\S+)\.$/,
    coordinates: ([type, field, argument, from, to], last) =>
      becomesRequired(from, to)
        ? usesOfField(type, field, last)
        : usesOfArgument(type, field, argument, last),
  },
  [Change.VALUE_REMOVED_FROM_ENUM]: {
    form: /^(\w+) was removed from enum type (\w+)/,
    coordinates: ([value, type], last) => [`${type}.${value}`, ...variablesWith(type, last)],
  },
  [Change.REQUIRED_INPUT_FIELD_ADDED]: {
    form: /^A required field \w+ on input type (\w+) was added/,
    coordinates: ([type], last) => usesOfInput(type, last),
  },
  [Change.DIRECTIVE_REMOVED]: {
    form: /^(\w+) was removed/,
    coordinates: ([directive]) => [`@${directive}`],
  },
  [Change.DIRECTIVE_ARG_REMOVED]: {
    form: /^(\w+) was removed from (\w+)/,
    coordinates: ([argument, directive]) => [`@${directive}(${argument}:)`],
  },
  [Change.REQUIRED_DIRECTIVE_ARG_ADDED]: {
    form: /^A required arg \w+ on directive (\w+) was added/,
    coordinates: ([directive]) => [`@${directive}`],
  },
  [Change.DIRECTIVE_REPEATABLE_REMOVED]: {
    form: /^Repeatable flag was removed from (\w+)/,
    coordinates: ([directive]) => [`@${directive}`],
  },
  [Change.DIRECTIVE_LOCATION_REMOVED]: {
    form: /^\w+ was removed from (\w+)/,
    coordinates: ([directive]) => [`@${directive}`],
  },
}

/** The conditions of fragments and what is selected on the type. */
function allOf(type: string): string[] {
  return [type, `${type}.*`]
}

/**
 * The interfaces and unions to which the type belongs: a fragment on one of them within another is valid as long
 * as they have a type in common (GraphQL, "Fragment Spread Is Possible").
 */
function abstractTypesOf(name: string, last: GraphQLSchema): string[] {
  const type = last.getType(name)
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  const abstract = Object.values(last.getTypeMap()).filter(isAbstractType)
  return abstract.filter((each) => last.isSubType(each, type)).map((each) => each.name)
}

/** Whether those that leave the argument or the input field out are broken. */
function becomesRequired(from: string, to: string): boolean {
  return to.endsWith('!') && !from.endsWith('!')
}

/** Everything in the last schema that has this type, too. */
function usesOfType(name: string, last: GraphQLSchema): string[] {
  const uses: string[] = []
  for (const type of Object.values(last.getTypeMap())) {
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields())
      uses.push(...fields.filter(isOfType).map((field) => `${type.name}.${field.name}`))
    }
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`
      if (isOfType(field)) uses.push(coordinate)
      uses.push(...field.args.filter(isOfType).map((each) => `${coordinate}(${each.name}:)`))
    }
  }
  for (const directive of last.getDirectives()) {
    uses.push(...directive.args.filter(isOfType).map((each) => `@${directive.name}(${each.name}:)`))
  }
  return [...allOf(name), ...uses, ...abstractTypesOf(name, last), ...variablesWith(name, last)]

  function isOfType({ type }: { type: Parameters<typeof getNamedType>[0] }): boolean {
    return getNamedType(type)?.name === name
  }
}

/** Every object of an input type. */
function usesOfInput(type: string, last: GraphQLSchema): string[] {
  return [`${type}.*`, ...variablesWith(type, last)]
}

function usesOfField(type: string, field: string, last: GraphQLSchema): string[] {
  const ofInterfaces = interfacesOf(type, last).map((each) => `${each}.${field}`)
  const ofInput = isInputObjectType(last.getType(type)) ? variablesWith(type, last) : []
  return [`${type}.${field}`, ...ofInterfaces, ...ofInput]
}

function usesOfArgument(
  type: string,
  field: string,
  argument: string,
  last: GraphQLSchema,
): string[] {
  return [type, ...interfacesOf(type, last)].map((each) => `${each}.${field}(${argument}:)`)
}

/** A client that selects a field of an interface gets it from the types that implement it. */
function interfacesOf(name: string, last: GraphQLSchema): string[] {
  const type = last.getType(name)
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  return type.getInterfaces().map(({ name }) => name)
}

/** The types of variables whose values can have values of this type in them. */
function variablesWith(name: string, last: GraphQLSchema): string[] {
  const type = last.getType(name)
  if (isObjectType(type) || isInterfaceType(type)) return []
  const inputs = Object.values(last.getTypeMap()).filter(isInputObjectType)
  const reaching = new Set([name])
  // A set that grows is iterated to its end.
  for (const inner of reaching) {
    for (const input of inputs) {
      const fields = Object.values(input.getFields())
      if (fields.some(({ type }) => getNamedType(type).name === inner)) reaching.add(input.name)
    }
  }
  return [...reaching]
}
