/**
 * Takes several measurements in turn, round by round and each round in the other order (A B B A …), so
 * that whatever else the machine does, and what one leaves to the next, meets all of them alike. One
 * round before is not counted, unless there is only one.
 * @returns for each measurement its values, round by round
 */
export const inTurn = async <K extends string>(rounds: number, measure: Readonly<Record<K, () => Promise<number>>>): Promise<Record<K, number[]>> => {
  const names = Object.keys(measure) as K[]
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>
  for (let round = rounds > 1 ? -1 : 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const value = await measure[name]()
      if (round >= 0) values[name].push(value)
    }
  }
  return values
}

/** Round by round what a function makes of the values of that round. */
export const each = <K extends string>(values: Readonly<Record<K, readonly number[]>>, of: (round: Record<K, number>) => number): number[] => {
  const names = Object.keys(values) as K[]
  return (values[names[0]!]).map((_, round) =>
    of(Object.fromEntries(names.map((name) => [name, values[name][round]!])) as Record<K, number>))
}
