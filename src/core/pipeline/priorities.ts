// Priorities inside a table, by what they mean.

export const priority = {
  /** What must never pass, whatever else a flow of the table allows. */
  forbid: 200,
  /** Exceptions to the above. */
  permit: 210,
  /** More exact than `exact`: the packet's own port or address. */
  self: 110,
  exact: 100,
  /** Answers for an address that no exact flow knows better. */
  standIn: 90,
  /** Applies to a whole network where no exact flow does. */
  network: 50,
  /** Applies where nothing else of the table does. */
  rest: 10,
  miss: 0,
} as const
