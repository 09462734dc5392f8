/** Writes Genius domain and profile files; what is written here reads back equal with `read-genius.ts`. */
import { XMLBuilder } from 'fast-xml-parser';
import type { Issue } from './issue.ts';
import type { Domain } from './read-genius.ts';
import type { Evaluation, UtilitySpace } from './utility.ts';

type XmlNode = { [name: string]: XmlNode[] | Record<string, string> };

function node(name: string, attributes: Record<string, string | number>, children: XmlNode[] = []): XmlNode {
  const texts = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)]));
  return { [name]: children, ':@': texts };
}

function render(root: XmlNode): string {
  const builder = new XMLBuilder({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    format: true,
    indentBy: '  ',
    suppressEmptyNode: true,
    processEntities: true,
  });
  return `${builder.build([root]).trim()}\n`;
}

export function writeGeniusDomain(domain: Domain): string {
  const issues = domain.issues.map((issue, at) => issueNode(issue, at + 1));
  return render(
    node('negotiation_template', {}, [
      node('utility_space', { number_of_issues: issues.length }, [objectiveNode(domain.name, issues)]),
    ]),
  );
}

export function writeGeniusProfile(name: string, space: UtilitySpace): string {
  const issues = space.issues.map((issue, at) => issueNode(issue, at + 1, space.evaluations[at]!));
  const weights = space.weights.map((value, at) => node('weight', { index: at + 1, value }));
  return render(
    node('utility_space', { number_of_issues: issues.length }, [
      objectiveNode(name, [...issues, ...weights]),
      node('discount_factor', { value: space.discount }),
      node('reservation', { value: space.reservation }),
    ]),
  );
}

function objectiveNode(name: string, children: XmlNode[]): XmlNode {
  return node('objective', { index: 0, etype: 'objective', type: 'objective', description: '', name }, children);
}

function issueNode(issue: Issue, index: number, evaluation?: Evaluation): XmlNode {
  const attributes = { index, name: issue.name, vtype: issue.type, type: issue.type, etype: issue.type };
  if (issue.type === 'discrete') {
    return node(
      'issue',
      attributes,
      issue.values.map((value, at) =>
        node('item', {
          index: at + 1,
          value,
          ...(evaluation?.type === 'table' ? { evaluation: evaluation.values.get(value) ?? 0 } : {}),
        }),
      ),
    );
  }
  const bounds = { lowerbound: issue.lower, upperbound: issue.upper };
  const evaluator = evaluation === undefined ? [] : [evaluatorNode(evaluation, issue)];
  if (issue.type === 'integer') return node('issue', { ...attributes, ...bounds }, evaluator);
  return node('issue', attributes, [node('range', bounds), ...evaluator]);
}

function evaluatorNode(evaluation: Evaluation, issue: Exclude<Issue, { type: 'discrete' }>): XmlNode {
  if (evaluation.type === 'constant') {
    return node('evaluator', { ftype: 'constant', parameter0: evaluation.value });
  }
  if (evaluation.type === 'triangular') {
    const { lower, upper, top } = evaluation;
    return node('evaluator', { ftype: 'triangular', parameter0: lower, parameter1: upper, parameter2: top });
  }
  const { slope, offset } = evaluation.type === 'linear' ? evaluation : { slope: 0, offset: 0 };
  if (issue.type === 'integer') {
    return node('evaluator', { ftype: 'linear', offset: offset + slope * issue.lower, slope });
  }
  return node('evaluator', { ftype: 'linear', parameter0: offset, parameter1: slope });
}
