import { expect, it } from 'vitest';
import { SERVICE_COLOURS, ServiceColours } from './service-colours';

it('gives the first services a colour each and keeps it', () => {
  const colours = new ServiceColours();
  const services = Array.from({ length: SERVICE_COLOURS }, (_, index) => `service-${index}`);
  const first = services.map((service) => colours.of(service));
  expect(new Set(first).size).toBe(SERVICE_COLOURS);
  expect(services.map((service) => colours.of(service))).toEqual(first);
});

it('repeats colours when there are more services than colours', () => {
  const colours = new ServiceColours();
  for (let index = 0; index < 100; index += 1)
    expect(colours.of(`s${index}`)).toMatch(/^var\(--service-\d\)$/);
});
