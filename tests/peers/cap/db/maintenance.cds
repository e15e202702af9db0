// What the maintenance services are projections of.  Names and lengths are those that SAP publishes.
namespace maintenance;

entity MaintenanceOrder {
  key MaintenanceOrder           : String(12);
      MaintenanceOrderType       : String(4);
      MaintenanceOrderDesc       : String(40);
      Equipment                  : String(18);
      EquipmentName              : String(40);
      FunctionalLocation         : String(40);
      TechnicalObject            : String(40);
      TechnicalObjectLabel       : String(40);
      TechObjIsEquipOrFuncnlLoc  : String(10);
      MaintPriority              : String(1);
      MaintPriorityType          : String(2);
      MaintenanceActivityType    : String(3);
      MaintenancePlanningPlant   : String(4);
      MaintenancePlant           : String(4);
      MainWorkCenter             : String(8);
      MaintenanceNotification    : String(12);
      MaintenancePlan            : String(12);
      SuperiorMaintenanceOrder   : String(12);
      MaintOrdBasicStartDateTime : Timestamp;
      MaintOrdBasicEndDateTime   : Timestamp;
      MaintOrdBasicStartDate     : Date;
      MaintOrdBasicStartTime     : Time;
      MaintOrdBasicEndDate       : Date;
      MaintOrdBasicEndTime       : Time;
      ScheduledBasicStartDate    : Date;
      ScheduledBasicEndDate      : Date;
      LatestAcceptableCompletionDate : Date;
      MaintOrderCreationDateTime : Timestamp;
      MaintOrdProcessPhaseCode   : String(2);
      MaintOrdProcessSubPhaseCode : String(4);
      // A field that the site has added.
      YY1_DowntimeHours_ORD      : Decimal(13, 2);
      @sap.filterable: 'false' @sap.sortable: 'false'
      SystemStatusText           : String(40);
      @sap.filterable: 'false' @sap.sortable: 'false'
      UserStatusText             : String(40);
      LastChangeDateTime         : Timestamp;
      to_MaintenanceOrderOperation : Association to many MaintenanceOrderOperation
                                     on to_MaintenanceOrderOperation.MaintenanceOrder = MaintenanceOrder;
}

entity MaintenanceOrderOperation {
  key MaintenanceOrder             : String(12);
  key MaintenanceOrderOperation    : String(4);
  key MaintenanceOrderSubOperation : String(4);
      OperationDescription         : String(40);
      WorkCenter                   : String(8);
      ActualWorkQuantity           : Decimal(13, 3);
      MaintOrdOpWorkDurationUnit   : String(3);
      OpActualExecutionStartDate   : Date;
      OpActualExecutionStartTime   : Time;
      OpActualExecutionEndDate     : Date;
      OpActualExecutionEndTime     : Time;
}

entity MaintenanceNotification {
  key MaintenanceNotification      : String(12);
      NotificationType             : String(2);
      NotificationText             : String(40);
      MaintPriority                : String(1);
      NotifProcessingPhase         : String(1);
      NotifProcessingPhaseDesc     : String(60);
      @sap.filterable: 'false' @sap.sortable: 'false'
      ConcatenatedActiveSystStsName : String(224);
      TechnicalObject              : String(40);
      TechnicalObjectLabel         : String(40);
      TechObjIsEquipOrFuncnlLoc    : String(10);
      MaintenancePlant             : String(4);
      NotificationCreationDate     : Date;
      NotificationCreationTime     : Time;
      RequiredEndDate              : Date;
      RequiredEndTime              : Time;
      MalfunctionStartDate         : Date;
      MalfunctionStartTime         : Time;
      MalfunctionEndDate           : Date;
      MalfunctionEndTime           : Time;
      MaintenanceObjectIsDown      : Boolean;
      MaintObjectDowntimeDuration  : Double;
      MaintObjDowntimeDurationUnit : String(3);
      ReportedByUser               : String(12);
      MaintenanceOrder             : String(12);
      LastChangeDateTime           : Timestamp;
}

entity Equipment {
  key Equipment                : String(18);
  key ValidityEndDate          : Date;
      ValidityStartDate        : Date;
      EquipmentName            : String(40);
      EquipmentCategory        : String(1);
      TechnicalObjectType      : String(10);
      MaintenancePlant         : String(4);
      MaintenancePlanningPlant : String(4);
      FunctionalLocation       : String(40);
      SuperordinateEquipment   : String(18);
      AssetManufacturerName    : String(30);
      ManufacturerSerialNumber : String(30);
      OperationStartDate       : Date;
      ABCIndicator             : String(1);
      EquipmentIsAvailable     : Boolean;
      EquipmentIsInstalled     : Boolean;
      EquipmentIsInactive      : Boolean;
      EquipmentIsMarkedForDeletion : Boolean;
      LastChangeDateTime       : Timestamp;
}

entity FunctionalLocation {
  key FunctionalLocation       : String(40);
      FunctionalLocationLabelName : String(40);
      FunctionalLocationName   : String(40);
      MaintenancePlant         : String(4);
}

entity MaintenancePlan {
  key MaintenancePlan             : String(12);
      MaintenancePlanDesc         : String(40);
      MaintenancePlanCategory     : String(2);
      MaintenancePlanSystemStatus : String(30);
      LastChangeDateTime          : Timestamp;
}

entity MaintenanceItem {
  key MaintenanceItem             : String(16);
      MaintenanceItemDescription  : String(40);
      MaintenancePlan             : String(12);
      Equipment                   : String(18);
      FunctionalLocationLabelName : String(40);
      MaintenancePlanningPlant    : String(4);
      MaintenancePlant            : String(4);
}

entity MaintenancePlanCycle {
  key MaintenancePlan               : String(12);
  key MaintenancePlanCycle          : String(2);
      MaintPlanCycRcrrcIntervalQty  : Double;
      MaintPlanCycRcrrcIntervalUnit : String(3);
}

entity MaintenancePlanSchedule {
  key MaintenancePlan                : String(12);
  key MaintenancePlanCallNumber      : Integer;
      MaintenanceCallNextPlannedDate : Date;
      CompletionDate                 : Date;
}

entity MeasuringPoint {
  key MeasuringPoint            : String(12);
      MeasuringPointDescription : String(40);
      TechnicalObjectType       : String(10);
      MeasuringPointPositionNumber : String(20);
      MeasuringPointCategory    : String(1);
      MeasuringPointIsCounter   : Boolean;
      MeasurementRangeUnit      : String(6);
      FunctionalLocation        : String(40);
      Equipment                 : String(18);
}

entity MeasurementDocument {
  key MeasurementDocument           : String(20);
      MeasuringPoint                : String(12);
      MsmtRdngDate                  : Date;
      MsmtRdngTime                  : Time;
      MeasurementReading            : Double;
      MeasurementReadingInEntryUoM  : Double;
      MeasurementReadingEntryUoM    : String(6);
      MsmtRdngIsReversed            : Boolean;
}
