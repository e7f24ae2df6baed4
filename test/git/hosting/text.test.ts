import assert from 'node:assert/strict';
import test from 'node:test';
import { pullRequestText, readMarker, supersededBody } from '../../../src/git/hosting/text.ts';

test('the title is the first line of the message, the body the rest and a marker', () => {
  const { title, body, marker } = pullRequestText('  build: shop\r\n\r\n* one\r\n* two\n', 'deploy');
  assert.deepEqual([title, body.split('\n\n<!--')[0]], ['build: shop', '* one\n* two']);
  assert.deepEqual(readMarker(body), marker);
  assert.doesNotMatch(body, /deploy/, 'the target is shown as a hash');
  assert.match(pullRequestText('build: shop', 'x').body, /^<!-- tagpin .* -->$/);
  assert.equal(pullRequestText('', 'x').title, 'Update images');
});

test('the marker tells targets and texts apart', () => {
  const one = pullRequestText('a\n\nb', 'x').marker;
  assert.deepEqual(pullRequestText('a\n\nb', 'x').marker, one);
  assert.notEqual(pullRequestText('a\n\nb', 'y').marker.target, one.target);
  assert.notEqual(pullRequestText('a\n\nc', 'x').marker.text, one.text);
});

test('a marker in the middle, or in the message, is none', () => {
  const { body } = pullRequestText('a', 'x');
  assert.equal(readMarker(`${body} and more`), null);
  assert.equal(readMarker(''), null);
  assert.equal(readMarker('<!-- tagpin target=x text=y -->'), null);
  const forged = pullRequestText(`a\n\n${body}`, 'y');
  assert.notEqual(readMarker(forged.body)?.target, readMarker(body)?.target);
  assert.equal(forged.body.match(/<!--/g)?.length, 1);
});

test('one that gives way says to which, and stays recognisable', () => {
  const { body, marker } = pullRequestText('a\n\ntext', 'x');
  const superseded = supersededBody(body, '#7');
  assert.match(superseded, /^text\n\nSuperseded by #7\.\n\n<!--/);
  assert.deepEqual(readMarker(superseded), { ...marker, isSuperseded: true });
  assert.equal(supersededBody('by hand', '#7'), 'by hand');
});

test('texts are as long as hosts take', () => {
  const { title, body } = pullRequestText(`${'😀'.repeat(300)}\n\n${'x'.repeat(100_000)}`, 'x');
  assert.ok(title.length <= 250 && title.isWellFormed() && title.endsWith('…'));
  assert.ok(body.length < 61_000 && readMarker(body) !== null);
});
