using maintenance from '../db/maintenance';

@path: 'API_MAINTENANCEORDER'
service API_MAINTENANCEORDER {
  @readonly entity MaintenanceOrder as projection on maintenance.MaintenanceOrder;
  @readonly entity MaintenanceOrderOperation as projection on maintenance.MaintenanceOrderOperation;
}

@path: 'API_MAINTNOTIFICATION'
service API_MAINTNOTIFICATION {
  @readonly entity MaintenanceNotification as projection on maintenance.MaintenanceNotification;
}

@path: 'API_EQUIPMENT'
service API_EQUIPMENT {
  @readonly entity Equipment as projection on maintenance.Equipment;
}

@path: 'API_FUNCTIONALLOCATION'
service API_FUNCTIONALLOCATION {
  @readonly entity FunctionalLocation as projection on maintenance.FunctionalLocation;
}

@path: 'API_MAINTENANCEPLAN'
service API_MAINTENANCEPLAN {
  @readonly entity MaintenancePlan as projection on maintenance.MaintenancePlan;
  @readonly entity MaintenanceItem as projection on maintenance.MaintenanceItem;
  @readonly entity MaintenancePlanCycle as projection on maintenance.MaintenancePlanCycle;
  @readonly entity MaintenancePlanSchedule as projection on maintenance.MaintenancePlanSchedule;
}

@path: 'api_measuringpoint/srvd_a2x/sap/measuringpoint/0001'
service API_MEASURINGPOINT {
  @readonly entity MeasuringPoint as projection on maintenance.MeasuringPoint;
}

@path: 'api_measurementdocument/srvd_a2x/sap/measurementdocument/0001'
service API_MEASUREMENTDOCUMENT {
  @readonly entity MeasurementDocument as projection on maintenance.MeasurementDocument;
}
