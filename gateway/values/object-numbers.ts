/** Returns a function that returns a number for each object: another one for each, the same for the same. */
export function objectNumbers(): (object: object) => number {
  const numbers = new WeakMap<object, number>()
  let last = 0

  return (object) => {
    const known = numbers.get(object)
    if (known !== undefined) return known
    numbers.set(object, ++last)
    return last
  }
}
