/**
 * Where the slots of a place are in its records. The first fields have theirs in the record. Those of all
 * others are in blocks, which a record has only if one of its fields is there: a selection may have hundreds
 * of fields for one type, and a list thousands of objects of another one.
 */

const fieldsInRecord = 24
const fieldsInBlock = 16

/** How many integers a block has, which are as many slots for fields. */
export const lengthOfBlock = 2 * fieldsInBlock

/** Where the addresses of the blocks begin in a record. */
export const firstBlock = 1 + 2 * fieldsInRecord

/**
 * Returns the index of the slot of a field, by the number of the field. In a record, it is the distance from
 * its beginning; in a block, it is negative.
 */
export function slotIndex(field: number): number {
  if (field < fieldsInRecord) return 1 + 2 * field
  const beyond = field - fieldsInRecord
  const block = firstBlock + Math.floor(beyond / fieldsInBlock)
  return -(block * lengthOfBlock + 2 * (beyond % fieldsInBlock))
}

/** Returns where the address of the block is in a record, for a negative index. */
export function blockOf(index: number): number {
  return Math.floor(-index / lengthOfBlock)
}

/** Returns where the slot is in its block, for a negative index. */
export function offsetInBlock(index: number): number {
  return -index % lengthOfBlock
}

/** Returns how many integers the record of a place with so many fields has. */
export function lengthOfRecord(fields: number): number {
  const beyond = Math.max(0, fields - fieldsInRecord)
  return 1 + 2 * Math.min(fields, fieldsInRecord) + Math.ceil(beyond / fieldsInBlock)
}
