/** One line of the result: a figure of Keelson beside the reference measured in the same run. */
export interface Row {
  readonly work: string;
  /** What both figures count, `'entries/s'` for example. */
  readonly unit: string;
  readonly keelson: number;
  readonly reference: { readonly name: string; readonly value: number };
  /** Median over the rounds of Keelson's figure by the reference's. */
  readonly ratio: number;
  /** What the design allows the ratio, or the figure itself, to be; null where it says nothing. */
  readonly budget: Budget | null;
}

export interface Budget {
  readonly of: 'ratio' | 'figure';
  readonly sense: 'at least' | 'at most';
  readonly value: number;
}

export function isWithinBudget({ budget, ratio, keelson }: Row): boolean {
  if (budget === null) return true;
  const measured = budget.of === 'ratio' ? ratio : keelson;
  return budget.sense === 'at least' ? measured >= budget.value : measured <= budget.value;
}

export function ratioAtLeast(value: number): Budget {
  return { of: 'ratio', sense: 'at least', value };
}

export function ratioAtMost(value: number): Budget {
  return { of: 'ratio', sense: 'at most', value };
}
